//! What the user types or pipes in.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use authctl::ports::Input;
use authctl::secret::SecretText;

use super::super::shared::Shared;

/// What a story types or pipes in.
#[derive(Default)]
pub struct FakeInput {
    pub piped: Shared<Option<String>>,
    hidden: Shared<VecDeque<String>>,
    typed: Shared<VecDeque<String>>,
    pub asked: Shared<Vec<String>>,
    lines: Shared<Option<Receiver<SecretText>>>,
}

impl FakeInput {
    pub fn pipe(&self, text: &str) {
        *self.piped.lock() = Some(text.to_owned());
    }

    /// Typed answers to questions without echo, one per question.
    pub fn type_hidden(&self, answers: &[&str]) {
        *self.hidden.lock() = answers.iter().map(|&answer| answer.to_owned()).collect();
    }

    /// Typed answers, one per question.
    pub fn type_answers(&self, answers: &[&str]) {
        *self.typed.lock() = answers.iter().map(|&answer| answer.to_owned()).collect();
    }

    /// Whether every typed answer was asked for.
    pub fn is_used_up(&self) -> bool {
        self.typed.lock().is_empty() && self.hidden.lock().is_empty()
    }

    /// A terminal whose user types the lines from the returned sender.
    pub fn terminal(&self) -> Sender<SecretText> {
        let (sender, receiver) = channel();
        *self.lines.lock() = Some(receiver);
        sender
    }
}

impl Input for FakeInput {
    fn is_terminal(&self) -> bool {
        self.lines.lock().is_some() || !self.is_used_up()
    }

    fn ask(&self, question: &str, default: Option<&str>) -> io::Result<String> {
        self.asked.lock().push(question.to_owned());
        let answer = self.typed.lock().pop_front();
        let answer = answer.unwrap_or_else(|| panic!("nobody is there to be asked: {question}"));
        Ok(if answer.is_empty() { default.unwrap_or_default().to_owned() } else { answer })
    }

    fn confirm(&self, question: &str, default: bool) -> io::Result<bool> {
        let answer = self.ask(question, None)?;
        Ok(if answer.is_empty() { default } else { answer == "y" })
    }

    fn ask_hidden(&self, question: &str) -> io::Result<SecretText> {
        self.asked.lock().push(question.to_owned());
        Ok(SecretText::new(self.hidden.lock().pop_front().expect("somebody is there to be asked")))
    }

    fn read_all(&self, _: usize) -> io::Result<SecretText> {
        Ok(SecretText::new(self.piped.take().expect("standard input is read")))
    }

    fn read_within(&self, limit: usize, _: Duration) -> io::Result<SecretText> {
        self.read_all(limit)
    }

    fn lines(&self) -> io::Result<Receiver<SecretText>> {
        Ok(self.lines.take().expect("lines are read"))
    }
}
