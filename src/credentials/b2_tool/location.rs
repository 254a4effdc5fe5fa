//! Where the b2 tool keeps its database: its own rules, without its mistakes.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use crate::options::Options;

/// A path to try, and what named it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    pub(super) named_by: Option<&'static str>,
}

/// The variables that the rules depend on.
pub(super) const VARIABLES: [&str; 6] =
    ["B2_ACCOUNT_INFO", "HOME", "XDG_CONFIG_HOME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH"];

/// What else the rules depend on.
struct LookupEnv<'a> {
    /// A variable of the environment.
    variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// The home directory of the named user, or of this one, as the system's user database has it.
    home: &'a dyn Fn(Option<&[u8]>) -> Option<PathBuf>,
}

/// Systems whose programs keep settings under `~/.config`. Elsewhere only a set `XDG_CONFIG_HOME` counts.
const HAS_CONFIG_HOME: bool = !cfg!(any(windows, target_vendor = "apple"));

/// The candidates in order of precedence. The first that exists is the one.
pub(super) fn candidates(
    options: &Options,
    variable: &dyn Fn(&str) -> Option<OsString>,
    home: &dyn Fn(Option<&[u8]>) -> Option<PathBuf>,
) -> Vec<Candidate> {
    let env = LookupEnv { variable, home };
    let one = |path: &OsStr, named_by| vec![Candidate { path: env.expanded(path), named_by: Some(named_by) }];
    if let Some(profile) = &options.profile {
        let new = env.in_config_home(&format!("db-{profile}.sqlite"));
        let old = env.in_home(&format!(".b2db-{profile}.sqlite"));
        let named_by = Some("option \"profile\"");
        return [new, old].into_iter().flatten().map(|path| Candidate { path, named_by }).collect();
    }
    if let Some(path) = &options.account_info {
        return one(path.as_os_str(), "option \"account_info\"");
    }
    if let Some(path) = env.set("B2_ACCOUNT_INFO") {
        return one(&path, "B2_ACCOUNT_INFO");
    }
    let (old, new) = (env.in_home(".b2_account_info"), env.in_config_home("account_info"));
    [old, new].into_iter().flatten().map(|path| Candidate { path, named_by: None }).collect()
}

impl LookupEnv<'_> {
    /// The variable's value. A blank one counts as not set; the tool itself would take it for a path.
    fn set(&self, name: &str) -> Option<OsString> {
        (self.variable)(name).filter(|value| !value.as_encoded_bytes().trim_ascii().is_empty())
    }

    /// The home directory by the rules of Python, which the tool is written in.
    fn own_home(&self) -> Option<PathBuf> {
        let named = if cfg!(windows) { self.windows_profile() } else { self.set("HOME") };
        named.map(PathBuf::from).or_else(|| (self.home)(None))
    }

    /// Python has ignored HOME on Windows since its version 3.8.
    fn windows_profile(&self) -> Option<OsString> {
        self.set("USERPROFILE").or_else(|| {
            let mut profile = self.set("HOMEDRIVE").unwrap_or_default();
            profile.push(self.set("HOMEPATH")?);
            Some(profile)
        })
    }

    fn in_home(&self, name: &str) -> Option<PathBuf> {
        self.own_home().map(|home| home.join(name))
    }

    fn in_config_home(&self, name: &str) -> Option<PathBuf> {
        let folder = match self.set("XDG_CONFIG_HOME") {
            Some(folder) => self.expanded(&folder),
            None if HAS_CONFIG_HOME => self.in_home(".config")?,
            None => return None,
        };
        Some(folder.join("b2").join(name))
    }

    /// The path with its leading `~` or `~user` replaced, where such a home is known.
    fn expanded(&self, path: &OsStr) -> PathBuf {
        let mut parts = Path::new(path).components();
        let Some(Component::Normal(first)) = parts.next() else { return path.into() };
        let Some(user) = first.as_encoded_bytes().strip_prefix(b"~") else { return path.into() };
        let home = if user.is_empty() { self.own_home() } else { (self.home)(Some(user)) };
        let Some(home) = home else { return path.into() };
        let rest = parts.as_path().as_os_str();
        if rest.is_empty() { home } else { home.join(rest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'a> = (&'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)], &'a [&'a str]);

    fn paths(variables: &[(&str, &str)], settings: &[(&str, &str)], homeless: bool) -> Vec<String> {
        let mut options = Options::new();
        for (name, value) in settings {
            options.set(name, Some(value)).expect(name);
        }
        let variable = |name: &str| variables.iter().find(|row| row.0 == name).map(|row| row.1.into());
        let home = |user: Option<&[u8]>| match user {
            _ if homeless => None,
            None => Some("/listed".into()),
            Some(b"anna") => Some("/home/anna".into()),
            Some(_) => None,
        };
        candidates(&options, &variable, &home).iter().map(|candidate| candidate.path.display().to_string()).collect()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_tools_own_rules_apply() {
        let home = ("HOME", "/h");
        let rows: &[Row<'_>] = &[
            (&[home], &[], &["/h/.b2_account_info", "/h/.config/b2/account_info"]),
            (&[], &[], &["/listed/.b2_account_info", "/listed/.config/b2/account_info"]),
            (&[("HOME", "")], &[], &["/listed/.b2_account_info", "/listed/.config/b2/account_info"]),
            (&[home, ("XDG_CONFIG_HOME", "/x")], &[], &["/h/.b2_account_info", "/x/b2/account_info"]),
            (&[home, ("XDG_CONFIG_HOME", " ")], &[], &["/h/.b2_account_info", "/h/.config/b2/account_info"]),
            (&[home, ("XDG_CONFIG_HOME", "~/x")], &[], &["/h/.b2_account_info", "/h/x/b2/account_info"]),
            (&[home, ("B2_ACCOUNT_INFO", "/a/b")], &[], &["/a/b"]),
            (&[home, ("B2_ACCOUNT_INFO", "")], &[], &["/h/.b2_account_info", "/h/.config/b2/account_info"]),
            (&[home, ("B2_ACCOUNT_INFO", "~/b")], &[], &["/h/b"]),
            (&[home, ("B2_ACCOUNT_INFO", "~")], &[], &["/h"]),
            (&[home, ("B2_ACCOUNT_INFO", "~anna/b")], &[], &["/home/anna/b"]),
            (&[home, ("B2_ACCOUNT_INFO", "~bob/b")], &[], &["~bob/b"]),
            (&[home, ("B2_ACCOUNT_INFO", "c/~/b")], &[], &["c/~/b"]),
            (&[home, ("B2_ACCOUNT_INFO", "/a")], &[("account_info", "~/o")], &["/h/o"]),
            (&[home], &[("profile", "w-1_A")], &["/h/.config/b2/db-w-1_A.sqlite", "/h/.b2db-w-1_A.sqlite"]),
            (
                &[home, ("XDG_CONFIG_HOME", "/x"), ("B2_ACCOUNT_INFO", "/a")],
                &[("profile", "w")],
                &["/x/b2/db-w.sqlite", "/h/.b2db-w.sqlite"],
            ),
        ];
        for (variables, settings, expected) in rows {
            assert_eq!(paths(variables, settings, false), *expected, "{variables:?} {settings:?}");
        }
    }

    #[test]
    fn a_profile_of_windows_is_found_as_python_finds_it() {
        let profile = |rows: &[(&str, &str)]| {
            let variable = |name: &str| rows.iter().find(|row| row.0 == name).map(|row| row.1.into());
            let env = LookupEnv { variable: &variable, home: &|_| None };
            env.windows_profile().map(|path| path.into_string().expect("it is text"))
        };
        let parts = [("HOME", "/h"), ("HOMEDRIVE", "D:"), ("HOMEPATH", "\\Users\\anna")];
        assert_eq!(profile(&parts).as_deref(), Some("D:\\Users\\anna"));
        assert_eq!(profile(&parts[..2]), None);
        assert_eq!(profile(&[("USERPROFILE", "C:\\u"), parts[1], parts[2]]).as_deref(), Some("C:\\u"));
        assert_eq!(profile(&[("USERPROFILE", " "), parts[2]]).as_deref(), Some("\\Users\\anna"));
    }

    #[test]
    fn without_a_home_directory_there_may_be_no_candidate() {
        assert!(paths(&[], &[], true).is_empty());
        assert!(paths(&[], &[("profile", "w")], true).is_empty());
        assert_eq!(paths(&[("B2_ACCOUNT_INFO", "~/b")], &[], true), ["~/b"]);
    }
}
