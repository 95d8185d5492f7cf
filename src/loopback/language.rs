//! The translations of the page that the browser shows last. The browser's preferred language is used if it is listed.

/// The page's texts in one language. They are fixed: the request only selects the language.
#[derive(Debug)]
pub struct Language {
    /// The language tag (BCP 47).
    pub tag: &'static str,
    /// The writing direction, as a value of HTML's `dir`.
    pub direction: &'static str,
    /// The title after a successful login.
    pub logged_in: &'static str,
    /// The title after a logout.
    pub logged_out: &'static str,
    /// The text below both titles.
    pub close: &'static str,
    /// The title after the server denied access.
    pub not_logged_in: &'static str,
    /// The text below that title.
    pub refused: &'static str,
    /// The title after an error.
    pub failed: &'static str,
    /// The text below that title.
    pub wrong: &'static str,
}

const LEFT: &str = "ltr";
const RIGHT: &str = "rtl";

/// English comes first: it is the default.
pub const LANGUAGES: &[Language] = &[
    Language {
        tag: "en",
        direction: LEFT,
        logged_in: "You are logged in",
        logged_out: "You are logged out",
        close: "You can close this tab and return to the terminal.",
        not_logged_in: "You are not logged in",
        refused: "Access was not granted. See the terminal for details.",
        failed: "Login failed",
        wrong: "Something went wrong. See the terminal for details.",
    },
    Language {
        tag: "de",
        direction: LEFT,
        logged_in: "Sie sind angemeldet",
        logged_out: "Sie sind abgemeldet",
        close: "Sie können diesen Tab schließen und zum Terminal zurückkehren.",
        not_logged_in: "Sie sind nicht angemeldet",
        refused: "Der Zugriff wurde nicht gewährt. Einzelheiten finden Sie im Terminal.",
        failed: "Anmeldung fehlgeschlagen",
        wrong: "Es ist ein Fehler aufgetreten. Einzelheiten finden Sie im Terminal.",
    },
    Language {
        tag: "fr",
        direction: LEFT,
        logged_in: "Vous êtes connecté",
        logged_out: "Vous êtes déconnecté",
        close: "Vous pouvez fermer cet onglet et revenir au terminal.",
        not_logged_in: "Vous n’êtes pas connecté",
        refused: "L’accès n’a pas été accordé. Consultez le terminal pour plus de détails.",
        failed: "La connexion a échoué",
        wrong: "Un problème est survenu. Consultez le terminal pour plus de détails.",
    },
    Language {
        tag: "es",
        direction: LEFT,
        logged_in: "Has iniciado sesión",
        logged_out: "Has cerrado sesión",
        close: "Ya puedes cerrar esta pestaña y volver al terminal.",
        not_logged_in: "No has iniciado sesión",
        refused: "No se ha concedido el acceso. Consulta el terminal para ver los detalles.",
        failed: "No se ha podido iniciar sesión",
        wrong: "Se ha producido un error. Consulta el terminal para ver los detalles.",
    },
    Language {
        tag: "it",
        direction: LEFT,
        logged_in: "Accesso effettuato",
        logged_out: "Disconnessione effettuata",
        close: "Puoi chiudere questa scheda e tornare al terminale.",
        not_logged_in: "Accesso non effettuato",
        refused: "L’accesso non è stato autorizzato. Consulta il terminale per i dettagli.",
        failed: "Accesso non riuscito",
        wrong: "Si è verificato un errore. Consulta il terminale per i dettagli.",
    },
    Language {
        tag: "pt",
        direction: LEFT,
        logged_in: "Sessão iniciada",
        logged_out: "Sessão encerrada",
        close: "Você pode fechar esta aba e voltar ao terminal.",
        not_logged_in: "Sessão não iniciada",
        refused: "O acesso não foi concedido. Veja os detalhes no terminal.",
        failed: "Não foi possível iniciar a sessão",
        wrong: "Ocorreu um erro. Veja os detalhes no terminal.",
    },
    Language {
        tag: "nl",
        direction: LEFT,
        logged_in: "U bent ingelogd",
        logged_out: "U bent uitgelogd",
        close: "U kunt dit tabblad sluiten en terugkeren naar de terminal.",
        not_logged_in: "U bent niet ingelogd",
        refused: "Er is geen toegang verleend. Zie de terminal voor meer informatie.",
        failed: "Inloggen mislukt",
        wrong: "Er is iets misgegaan. Zie de terminal voor meer informatie.",
    },
    Language {
        tag: "pl",
        direction: LEFT,
        logged_in: "Zalogowano",
        logged_out: "Wylogowano",
        close: "Możesz zamknąć tę kartę i wrócić do terminala.",
        not_logged_in: "Nie zalogowano",
        refused: "Nie udzielono dostępu. Szczegóły znajdziesz w terminalu.",
        failed: "Logowanie nie powiodło się",
        wrong: "Coś poszło nie tak. Szczegóły znajdziesz w terminalu.",
    },
    Language {
        tag: "ru",
        direction: LEFT,
        logged_in: "Вход выполнен",
        logged_out: "Выход выполнен",
        close: "Теперь можно закрыть эту вкладку и вернуться в терминал.",
        not_logged_in: "Вход не выполнен",
        refused: "Доступ не предоставлен. Подробности в терминале.",
        failed: "Не удалось войти",
        wrong: "Что-то пошло не так. Подробности в терминале.",
    },
    Language {
        tag: "uk",
        direction: LEFT,
        logged_in: "Вхід виконано",
        logged_out: "Вихід виконано",
        close: "Тепер можна закрити цю вкладку й повернутися до термінала.",
        not_logged_in: "Вхід не виконано",
        refused: "Доступ не надано. Подробиці в терміналі.",
        failed: "Не вдалося увійти",
        wrong: "Щось пішло не так. Подробиці в терміналі.",
    },
    Language {
        tag: "ja",
        direction: LEFT,
        logged_in: "ログインしました",
        logged_out: "ログアウトしました",
        close: "このタブを閉じて、ターミナルに戻ってください。",
        not_logged_in: "ログインしていません",
        refused: "アクセスは許可されませんでした。詳細はターミナルをご覧ください。",
        failed: "ログインに失敗しました",
        wrong: "問題が発生しました。詳細はターミナルをご覧ください。",
    },
    Language {
        tag: "zh",
        direction: LEFT,
        logged_in: "已登录",
        logged_out: "已退出登录",
        close: "您可以关闭此标签页并返回终端。",
        not_logged_in: "未登录",
        refused: "未获得访问授权。详情请查看终端。",
        failed: "登录失败",
        wrong: "出现错误。详情请查看终端。",
    },
    Language {
        tag: "ko",
        direction: LEFT,
        logged_in: "로그인되었습니다",
        logged_out: "로그아웃되었습니다",
        close: "이 탭을 닫고 터미널로 돌아가세요.",
        not_logged_in: "로그인되지 않았습니다",
        refused: "접근 권한이 부여되지 않았습니다. 자세한 내용은 터미널을 확인하세요.",
        failed: "로그인하지 못했습니다",
        wrong: "문제가 발생했습니다. 자세한 내용은 터미널을 확인하세요.",
    },
    Language {
        tag: "ar",
        direction: RIGHT,
        logged_in: "تم تسجيل الدخول",
        logged_out: "تم تسجيل الخروج",
        close: "يمكنك إغلاق علامة التبويب هذه والعودة إلى الطرفية.",
        not_logged_in: "لم يتم تسجيل الدخول",
        refused: "لم يُمنح حق الوصول. راجع التفاصيل في الطرفية.",
        failed: "فشل تسجيل الدخول",
        wrong: "حدث خطأ ما. راجع التفاصيل في الطرفية.",
    },
    Language {
        tag: "he",
        direction: RIGHT,
        logged_in: "התחברת",
        logged_out: "התנתקת",
        close: "אפשר לסגור את הכרטיסייה ולחזור למסוף.",
        not_logged_in: "לא בוצעה התחברות",
        refused: "הגישה לא אושרה. הפרטים מופיעים במסוף.",
        failed: "ההתחברות נכשלה",
        wrong: "משהו השתבש. הפרטים מופיעים במסוף.",
    },
    Language {
        tag: "fa",
        direction: RIGHT,
        logged_in: "وارد شدید",
        logged_out: "خارج شدید",
        close: "می‌توانید این برگه را ببندید و به پایانه برگردید.",
        not_logged_in: "وارد نشده‌اید",
        refused: "اجازهٔ دسترسی داده نشد. جزئیات را در پایانه ببینید.",
        failed: "ورود ناموفق بود",
        wrong: "مشکلی پیش آمد. جزئیات را در پایانه ببینید.",
    },
];

impl Language {
    /// The default language.
    pub fn english() -> &'static Self {
        &LANGUAGES[0]
    }

    /// The first listed language of an `Accept-Language` header. Browsers sort the header by preference (RFC 9110
    /// section 12.5.4).
    pub fn preferred(header: Option<&str>) -> &'static Self {
        let wanted = header.unwrap_or_default().split(',').map(|range| {
            let tag = range.split(';').next().unwrap_or_default().trim();
            tag.split('-').next().unwrap_or_default()
        });
        let known = |tag: &str| LANGUAGES.iter().find(|language| language.tag.eq_ignore_ascii_case(tag));
        wanted.take(32).find_map(known).unwrap_or_else(Self::english)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_chooses() {
        for (header, want) in [
            (None, "en"),
            (Some(""), "en"),
            (Some("de-CH,de;q=0.9,en;q=0.8"), "de"),
            (Some("eo, fr-CA;q=0.8, en;q=0.5"), "fr"),
            (Some("AR"), "ar"),
            (Some("xx"), "en"),
            (Some("*"), "en"),
            (Some("\u{1b}[31m;;,,,"), "en"),
        ] {
            assert_eq!(Language::preferred(header).tag, want, "{header:?}");
        }
    }

    #[test]
    fn every_language_is_whole() {
        for language in LANGUAGES {
            let texts = [
                language.logged_in,
                language.logged_out,
                language.close,
                language.not_logged_in,
                language.refused,
                language.failed,
                language.wrong,
            ];
            assert!(
                texts.iter().all(|text| !text.is_empty() && !text.contains(['<', '&', '{'])),
                "{}",
                language.tag
            );
        }
    }
}
