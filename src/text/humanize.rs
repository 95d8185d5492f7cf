//! Formats numbers and durations for people.

use std::time::Duration;

use jiff::Timestamp;

/// A duration in its largest unit, rounded: 90 seconds are `2 minutes`.
pub fn length(length: Duration) -> String {
    let seconds = length.as_secs();
    let rounded = |unit: u64| (seconds + unit / 2) / unit;
    let (count, unit) = match seconds {
        ..60 => (seconds, "second"),
        60..3_570 => (rounded(60), "minute"),
        3_570..172_800 => (rounded(3_600), "hour"),
        _ => (rounded(86_400), "day"),
    };
    counted(count, unit)
}

/// A configured duration, to the second.
pub fn exact(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0 => format!("{} milliseconds", length.as_millis()),
        seconds if seconds % 3_600 == 0 => counted(seconds / 3_600, "hour"),
        seconds if seconds % 60 == 0 => counted(seconds / 60, "minute"),
        seconds => counted(seconds, "second"),
    }
}

/// A time relative to now: `in 54 minutes`, `2 hours ago`.
pub fn relative(time: Timestamp, now: Timestamp) -> String {
    let distance = time.duration_since(now);
    let words = length(distance.unsigned_abs());
    if distance.is_negative() { format!("{words} ago") } else { format!("in {words}") }
}

/// A count with its unit: `1 account`, `2 accounts`.
pub fn counted(count: u64, unit: &str) -> String {
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_somebody_set() {
        for (milliseconds, want) in [
            (1_000, "1 second"),
            (90_000, "90 seconds"),
            (300_000, "5 minutes"),
            (7_200_000, "2 hours"),
            (300, "300 milliseconds"),
        ] {
            assert_eq!(exact(Duration::from_millis(milliseconds)), want);
        }
    }

    #[test]
    fn times_relative() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        for (offset, want) in [
            (1, "in 1 second"),
            (59, "in 59 seconds"),
            (3_240, "in 54 minutes"),
            (3_599, "in 1 hour"),
            (7_300, "in 2 hours"),
            (172_800, "in 2 days"),
            (-3_700, "1 hour ago"),
        ] {
            assert_eq!(relative(Timestamp::from_second(1_000_000 + offset).unwrap(), now), want);
        }
    }
}
