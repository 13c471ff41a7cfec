//! How often and between which times something was seen.

/// How often and when something was seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) count: u64,
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Span {
    pub(super) fn see(&mut self, second: i64) {
        self.absorb(Self {
            count: 1,
            first: second,
            last: second,
        });
    }

    pub(super) fn and(mut self, other: Self) -> Self {
        self.absorb(other);
        self
    }

    pub(super) fn absorb(&mut self, other: Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = other;
            return;
        }
        self.count = self.count.saturating_add(other.count);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// A [`Span`] in 12 bytes: what one line adds to. Ends at four thousand million, of lines and of seconds; begins in 1970.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ShortSpan {
    first: u32,
    seconds: u32,
    count: u32,
}

impl ShortSpan {
    pub(super) fn see(&mut self, second: i64) {
        let first = i64::from(self.first);
        if self.count > 0 && second >= first {
            // The usual case: lines are in order of time.
            let seconds = u32::try_from(second - first).unwrap_or(u32::MAX);
            self.seconds = self.seconds.max(seconds);
            self.count = self.count.saturating_add(1);
        } else {
            let mut span = self.span();
            span.see(second);
            *self = span.into();
        }
    }

    pub(super) fn span(self) -> Span {
        Span {
            count: self.count.into(),
            first: self.first.into(),
            last: i64::from(self.first) + i64::from(self.seconds),
        }
    }
}

impl From<Span> for ShortSpan {
    fn from(span: Span) -> Self {
        Self {
            first: u32::try_from(span.first.max(0)).unwrap_or(u32::MAX),
            seconds: u32::try_from(span.last - span.first).unwrap_or(u32::MAX),
            count: u32::try_from(span.count).unwrap_or(u32::MAX),
        }
    }
}
