//! How sure it is that a variable's name is the one that the server reads: one type, one table of words.

/// How sure a name is, least first: of two names of a role the surer one is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// It was written, and a port that its table governs still accepted less than the minimum.
    Contradicted,
    /// The engine's own program does not hold it.
    NotInEngine,
    /// Our best reading; to be confirmed on a live server.
    Assumed,
    /// In the vendor's own pages.
    Documented,
    /// The engine's own program holds its first 16 bytes where a compiler puts what it cuts off a literal.
    ProbablyInEngine,
    /// The engine's own program holds it.
    InEngine,
    /// The web administration changed it when the setting was changed there.
    SeenToChange,
    /// The user said so.
    Given,
    /// What the ports accept changed as chosen when it was written.
    Proven,
}

impl Certainty {
    /// The stable word of JSON.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Contradicted => "contradicted",
            Self::NotInEngine => "not-in-engine",
            Self::Assumed => "assumed",
            Self::Documented => "documented",
            Self::ProbablyInEngine | Self::InEngine => "in-engine",
            Self::SeenToChange => "seen",
            Self::Given => "given",
            Self::Proven => "proven",
        }
    }

    /// For a column of a list: at most ten letters.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Contradicted => "no effect",
            Self::NotInEngine => "not there",
            Self::Assumed => "assumed",
            Self::Documented => "documented",
            Self::ProbablyInEngine => "probable",
            Self::InEngine => "in engine",
            Self::SeenToChange => "seen",
            Self::Given => "your word",
            Self::Proven => "proven",
        }
    }

    /// What it means, to go on after "the name is".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Contradicted => "contradicted: it was written on this build, and the ports did not follow",
            Self::NotInEngine => "not in the engine's own program",
            Self::Assumed => "assumed, not in the vendor's public text",
            Self::Documented => "documented by the vendor",
            Self::ProbablyInEngine => {
                "probably in the engine's own program (its first 16 letters, as compilers cut a text)"
            }
            Self::InEngine => "in the engine's own program",
            Self::SeenToChange => "seen to change with the setting in the web administration",
            Self::Given => "given by you in kerio-tls.toml",
            Self::Proven => "proven: written on this build, and the ports followed",
        }
    }

    /// Such a name is not written without a yes of its own.
    #[must_use]
    pub const fn needs_a_yes(self) -> bool {
        matches!(self, Self::NotInEngine)
    }

    /// Is a doubt left that the eye should stop at?
    #[must_use]
    pub const fn is_doubtful(self) -> bool {
        matches!(self, Self::Contradicted | Self::NotInEngine | Self::Assumed)
    }
}

/// Whether the engine's own program holds a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InProgram {
    /// It does.
    Whole,
    /// Its first 16 letters.
    Probably,
    /// It does not.
    No,
}

impl InProgram {
    /// What that makes of a name that was as sure as this. What was seen or proven is stronger than what the program's
    /// bytes tell.
    #[must_use]
    pub const fn on(self, before: Certainty) -> Certainty {
        match (before, self) {
            (Certainty::Contradicted | Certainty::SeenToChange | Certainty::Proven, _) => before,
            (_, Self::No) => Certainty::NotInEngine,
            (Certainty::Given, _) => before,
            (_, Self::Probably) => Certainty::ProbablyInEngine,
            (_, Self::Whole) => Certainty::InEngine,
        }
    }
}
