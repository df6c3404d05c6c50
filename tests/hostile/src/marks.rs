//! What the attacker's texts are made of, so that they are found wherever they come out.

/// In every text of the attacker's. No name of ours has it.
pub(crate) const MARK: &str = "zqx";
/// In everything that nobody may be told: credentials, cookies, tokens.
pub(crate) const SECRET: &str = "gEh31mN1s";

/// Bytes that mean something to whoever writes or reads logs, metrics, headers or JSON. `{}` is the mark.
pub(crate) const TEXTS: [&str; 16] = [
    "{}",
    "{}\",\"level\":\"ERROR\",\"{}forged\":\"1",
    "{}\r\n{\"timestamp\":\"2026-01-01T00:00:00.000000Z\",\"level\":\"ERROR\",\"message\":\"{}\",\"{}forged\":1}",
    "{}\n{}",
    "\"}\n{\"{}forged\":true}\n{\"a\":\"{}",
    "{}\\",
    "\\\"{}\\u0022",
    "{}\u{0}\u{1}\u{8}\u{b}\u{c}\u{1b}[31mred\u{7f}",
    "{}\u{2028}\u{2029}\u{85}\u{feff}\u{202e}",
    "{}{path=\"1\",le=\"+Inf\"} 1\n{}_total{a=\"b\"} 7\n# EOF\n",
    "{}%s%n%x${jndi:ldap://h/a}<script>alert(1)</script>",
    "{}'; DROP TABLE orders; --",
    "{} trace_id=00000000000000000000000000000000 level=error",
    "{}\u{1f4a9}\u{e9}\u{4e2d}\u{10ffff}",
    "../../{}/%2e%2e/%00",
    "{}\t\t{}",
];

/// A text of its own for each number.
pub(crate) fn text(number: u64) -> String {
    let mark = format!("{MARK}{number}");
    TEXTS[(number % TEXTS.len() as u64) as usize].replace("{}", &mark)
}

/// The text within a path: each byte escaped that a path cannot have as it is, or `all` that are no letters.
pub(crate) fn escaped(text: &str, all: bool) -> String {
    let mut path = String::new();
    for byte in text.bytes() {
        let stays = byte.is_ascii_alphanumeric()
            || (!all && matches!(byte, b'"' | b'{' | b'}' | b':' | b',' | b'=' | b'\'' | b'_'));
        if stays {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// Whether one of them is somewhere in these bytes.
pub(crate) fn is_in(needle: &str, bytes: &[u8]) -> bool {
    let needle = needle.as_bytes();
    let Some(first) = needle.first() else { return true };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        if rest[at..].starts_with(needle) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

/// Numbers that look like chance and are always the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub(crate) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}
