//! What the headers' grammars have in common.

/// Without the optional white space (spaces and tabs; RFC 9110, section 5.6.3) around it.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// The members of a comma-separated list that may come as several headers, trimmed; empty ones are left out.
pub(crate) fn members<'a>(headers: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
    headers
        .flat_map(|header| header.split(|&byte| byte == b','))
        .map(trim)
        .filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_headers_are_one_list() {
        let headers: [&[u8]; 5] = [b"a", b"", b" , b \t,\tc d\t", b",,", b"e"];
        assert_eq!(members(headers.into_iter()).collect::<Vec<_>>(), [b"a" as &[u8], b"b", b"c d", b"e"]);
    }

    #[test]
    fn only_spaces_and_tabs_are_trimmed() {
        assert_eq!(trim(b"\t x\ny \t"), b"x\ny");
        assert_eq!(trim(b"\nx\r"), b"\nx\r");
        assert_eq!(trim(b" \t "), b"");
    }
}
