//! Hints for unknown names.

/// The hint for an unknown name that is near one of `names`.
pub(crate) fn did_you_mean(names: impl Iterator<Item = &'static str>, given: &str) -> Option<String> {
    // The start of a name longer than any of these is enough; comparing megabytes would take seconds.
    let start: String = given.chars().take(32).collect();
    let nearest = names.min_by_key(|name| strsim::damerau_levenshtein(name, &start))?;
    Some(format!("did you mean \"{nearest}\"?"))
}
