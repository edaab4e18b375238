//! Numbers as people read them, for display and console.

use core::fmt;

use mote_core::hash::Hash32;
use mote_core::units::Timestamp;

/// A span of time in its largest unit (`42 s`, `5 min`, `3 h`, `12 d`, `4 y`), at most seven characters.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub u64);

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, unit) = match self.0 {
            0..120 => (self.0, "s"),
            120..7_200 => (self.0 / 60, "min"),
            7_200..172_800 => (self.0 / 3_600, "h"),
            172_800..63_072_000 => (self.0 / 86_400, "d"),
            _ => ((self.0 / 31_536_000).min(99_999), "y"),
        };
        write!(formatter, "{value} {unit}")
    }
}

/// A number with a decimal prefix and two or three digits (`950`, `8.4k`, `12M`), at most four characters
/// below 10^18.
#[derive(Clone, Copy, Debug)]
pub struct Scaled(pub u64);

impl fmt::Display for Scaled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut tenths, mut prefixes) = (self.0, "kMGTPE".chars());
        if self.0 < 1_000 {
            return write!(formatter, "{}", self.0);
        }
        let mut prefix = 'k';
        while tenths >= 1_000 {
            let Some(next) = prefixes.next() else { break };
            // Whole thousands until the last step, whose tenths are kept.
            prefix = next;
            if tenths < 1_000_000 {
                tenths /= 100;
                break;
            }
            tenths /= 1_000;
        }
        match (tenths / 10, tenths % 10) {
            (whole @ 0..10, tenth) => write!(formatter, "{whole}.{tenth}{prefix}"),
            (whole, _) => write!(formatter, "{whole}{prefix}"),
        }
    }
}

/// Tenths as a decimal number (`3.4`).
#[derive(Clone, Copy, Debug)]
pub struct Tenths(pub u32);

impl fmt::Display for Tenths {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

/// A time as date and time of day in UTC (`2026-01-01 12:34:56`).
#[derive(Clone, Copy, Debug)]
pub struct Date(pub Timestamp);

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0.seconds() / 86_400, self.0.seconds() % 86_400);
        // Days since 0000-03-01, so that a leap day ends its year (Hinnant, "chrono-compatible low-level
        // date algorithms").
        let days = days + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = era * 400 + year + later;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(formatter, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

/// A value, or what is said where there is none.
#[derive(Clone, Copy, Debug)]
pub struct OrElse<T>(pub Option<T>, pub &'static str);

impl<T: fmt::Display> fmt::Display for OrElse<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(formatter),
            None => formatter.write_str(self.1),
        }
    }
}

/// A rate in tenths a second, `-` where it is 0, which is that of one not known (`4.5/s`, `120/s`).
#[derive(Clone, Copy, Debug)]
pub struct Pace(pub u32);

impl fmt::Display for Pace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => formatter.write_str("-"),
            tenths @ 1..100 => write!(formatter, "{}/s", Tenths(tenths)),
            tenths => write!(formatter, "{}/s", Scaled(u64::from(tenths / 10))),
        }
    }
}

/// The first twelve digits of an id or a root: enough to compare by eye, not to trust.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a>(pub &'a Hash32);

impl fmt::Display for Start<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_bytes().iter().take(6).try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn spans_and_numbers_stay_short() {
        for (seconds, text) in
            [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h")]
        {
            assert_eq!(Span(seconds).to_string(), text);
        }
        assert_eq!(Span(172_800).to_string(), "2 d");
        assert_eq!(Span(u64::MAX).to_string(), "99999 y");
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1.0k"), (8_449, "8.4k"), (12_999, "12k")] {
            assert_eq!(Scaled(number).to_string(), text);
        }
        for (number, text) in [(999_999, "999k"), (1_000_000, "1.0M"), (4_294_967_295, "4.2G")] {
            assert_eq!(Scaled(number).to_string(), text);
        }
        assert_eq!(Scaled(u64::MAX).to_string(), "18E");
    }

    #[test]
    fn dates_follow_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_767_225_600, "2026-01-01 00:00:00"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(Date(Timestamp::from_seconds(seconds)).to_string(), text);
        }
        assert!(!Date(Timestamp::from_seconds(u64::MAX)).to_string().is_empty());
    }
}
