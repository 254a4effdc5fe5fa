//! The levels of log messages. This list is the only one: the enum of Rust, that of the C header, the names of the
//! option `log_level` and the documentation all come from it.

/// One level as tools and documentation need it.
#[derive(Clone, Copy, Debug)]
pub struct LevelRow {
    /// Its number, permanent.
    pub number: i32,
    /// Its name in C.
    pub c_name: &'static str,
    /// Its name as a value of the option `log_level`.
    pub name: &'static str,
    /// What is logged at this level: one or more lines.
    pub doc: &'static [&'static str],
}

macro_rules! levels {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $c_name:literal, $name:literal;)+) => {
        /// How important a log message is: a lower number is more important.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(i32)]
        pub enum Level {
            $($(#[doc = $doc])+ $variant = $number,)+
        }

        /// Every level, the most important first.
        #[doc(hidden)]
        pub static LEVELS: &[LevelRow] = &[$(LevelRow {
            number: $number,
            c_name: $c_name,
            name: $name,
            doc: &[$($doc),+],
        }),+];

        impl Level {
            /// The level of that name, such as `warn`.
            pub(crate) fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

levels! {
    /// A call failed.
    Error = 1, "B2_LOG_ERROR", "error";
    /// Something went wrong that the call survives: a wait, a retry, an old token returned because its refresh failed.
    Warn = 2, "B2_LOG_WARN", "warn";
    /// What was asked of B2, and what it returned.
    Info = 3, "B2_LOG_INFO", "info";
    /// What was decided without asking: a cache hit, the source of the key.
    Debug = 4, "B2_LOG_DEBUG", "debug";
}
