use super::*;

/// All that options hold, but for their ID.
fn shown(options: &Options) -> String {
    format!("{:?}", Options { id: 0, ..options.clone() })
}

#[test]
fn setting_a_default_changes_nothing() {
    let fresh = shown(&Options::new());
    let mut tried = 0;
    for row in TABLE {
        if !matches!(row.value, OptionValue::Text(_)) {
            let mut options = Options::new();
            options.set(row.name, Some(row.default)).expect(row.name);
            assert_eq!(shown(&options), fresh, "{} = {}", row.name, row.default);
            tried += 1;
        }
    }
    assert_eq!(tried, TABLE.len() - 7);
}

#[test]
fn an_invalid_value_leaves_the_options_as_they_were() {
    for row in TABLE {
        let (good, bad) = match row.value {
            OptionValue::Number { min, max, .. } => (min.to_string(), (u64::from(max) + 1).to_string()),
            OptionValue::Choice(words) => (words[words.len() - 1].to_owned(), "no such word".to_owned()),
            OptionValue::Text(_) => match row.name {
                "realm" => ("staging".to_owned(), "http://example.com".to_owned()),
                "profile" => ("work".to_owned(), "a/b".to_owned()),
                "proxy" => ("none".to_owned(), "gopher://h".to_owned()),
                "store" => ("none".to_owned(), "sqlite:/x".to_owned()),
                "user_agent" => ("a/1".to_owned(), "a\u{7f}".to_owned()),
                _ => continue,
            },
        };
        let mut options = Options::new();
        options.set(row.name, Some(&good)).expect(row.name);
        let before = shown(&options);
        let error = options.set(row.name, Some(&bad)).expect_err(row.name);
        assert!(error.message().starts_with(&format!("option \"{}\": ", row.name)), "{error}");
        assert!(!error.message().contains(&bad), "{error}");
        assert_eq!(shown(&options), before, "{}", row.name);
    }
    let mut both = Options::new();
    both.set("account_info", Some("/a")).expect("a path");
    let before = shown(&both);
    both.set("profile", Some("work")).expect_err("they exclude each other");
    assert_eq!(shown(&both), before);
}

#[test]
fn the_header_has_the_table() {
    let header = include_str!("../../include/b2auth.h");
    for row in TABLE {
        let line = header.lines().find(|line| line.split_whitespace().nth(1) == Some(row.name));
        assert!(line.is_some(), "{} is not in the header", row.name);
    }
}
