//! The templates of Prometheus' labels and annotations (Go's `text/template`).

/// A text that stays what it is: an opening `{{` would be taken for a command.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        let braces = from.len() - from.trim_start_matches('{').len();
        let (run, after) = from.split_at(braces);
        out.push_str(before);
        // A single one at the end could meet that of a command behind it.
        if braces > 1 || after.is_empty() {
            out.push_str("{{\"");
            out.push_str(run);
            out.push_str("\"}}");
        } else {
            out.push_str(run);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// One line each, with a dash, if there are several.
pub(super) fn listed<'a>(texts: impl IntoIterator<Item = &'a String>) -> String {
    let texts: Vec<_> =
        texts.into_iter().filter(|text| !text.trim().is_empty()).map(|text| plain(text)).collect();
    match &*texts {
        [only] => only.clone(),
        _ => texts.iter().map(|text| format!("- {text}")).collect::<Vec<_>>().join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutation caught: braces of the user's that Prometheus reads as a command.
    #[test]
    fn braces_stay_braces() {
        for (text, expected) in [
            ("/users/{id}", "/users/{id}"),
            ("{{ $value }}", "{{\"{{\"}} $value }}"),
            ("{{{", "{{\"{{{\"}}"),
            ("ends in {", "ends in {{\"{\"}}"),
            ("", ""),
        ] {
            assert_eq!(plain(text), expected);
        }
    }

    #[test]
    fn lists_leave_out_what_is_empty() {
        assert_eq!(listed(&[]), "");
        assert_eq!(listed(&["one".to_owned(), " ".to_owned()]), "one");
        assert_eq!(listed(&["one".to_owned(), "two".to_owned()]), "- one\n- two");
    }
}
