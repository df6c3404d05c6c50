//! Protocol buffers on the wire, as far as one message needs them. (Protocol Buffers documentation, "Encoding".)

/// The number of a field in its message.
#[derive(Clone, Copy)]
pub(super) struct Field(pub(super) u32);

/// How a value is written.
#[derive(Clone, Copy)]
enum Type {
    Varint = 0,
    Fixed64 = 1,
    Length = 2,
}

/// Writes at the end of a buffer.
pub(super) struct Wire<'a>(pub(super) &'a mut Vec<u8>);

/// Where a message began whose length is not known yet.
#[derive(Clone, Copy)]
#[must_use]
pub(super) struct Begun(usize);

impl Wire<'_> {
    pub(super) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: Field, kind: Type) {
        self.varint(u64::from(field.0 << 3 | kind as u32));
    }

    /// A whole number; 0 is written, too, as a field that may be absent needs it.
    pub(super) fn uint(&mut self, field: Field, value: u64) {
        self.key(field, Type::Varint);
        self.varint(value);
    }

    /// A whole number that is often negative.
    pub(super) fn sint(&mut self, field: Field, value: i64) {
        self.uint(field, zigzag(value));
    }

    pub(super) fn double(&mut self, field: Field, value: f64) {
        self.key(field, Type::Fixed64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, field: Field, value: &[u8]) {
        self.key(field, Type::Length);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    /// Begins a message, or many numbers in one field.
    pub(super) fn begin(&mut self, field: Field) -> Begun {
        self.key(field, Type::Length);
        self.open()
    }

    /// Begins a message with nothing but its length before it.
    pub(super) fn open(&mut self) -> Begun {
        // Most are short, so the length has one byte.
        self.0.push(0);
        Begun(self.0.len())
    }

    /// Takes back what was written of a message that had nothing but its length before it.
    pub(super) fn discard(&mut self, begun: Begun) {
        self.0.truncate(begun.0 - 1);
    }

    /// Writes the length in its place, for which a long message is moved.
    pub(super) fn end(&mut self, begun: Begun) {
        let end = self.0.len();
        let mut length = (end - begun.0) as u64;
        let more = (63 - (length | 1).leading_zeros() as usize) / 7;
        self.0.resize(end + more, 0);
        self.0.copy_within(begun.0..end, begun.0 + more);
        for place in self.0.iter_mut().skip(begun.0 - 1).take(more + 1) {
            *place = length as u8 | 0x80;
            length >>= 7;
        }
        if let Some(last) = self.0.get_mut(begun.0 - 1 + more) {
            *last &= 0x7f;
        }
    }
}

/// Small numbers of either sign as small ones.
pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches: the highest bits of a length lost, a message moved by a byte too few.
    #[test]
    fn lengths_have_as_many_bytes_as_they_need() {
        for (length, prefix) in [
            (0, &[0][..]),
            (1, &[1]),
            (127, &[127]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
            (16_383, &[0xff, 0x7f]),
            (16_384, &[0x80, 0x80, 1]),
        ] {
            let mut out = vec![9];
            let mut wire = Wire(&mut out);
            let begun = wire.begin(Field(4));
            wire.0.extend((0..length).map(|at| at as u8));
            wire.end(begun);
            let content: Vec<u8> = (0..length).map(|at| at as u8).collect();
            assert_eq!(out, [&[9, 4 << 3 | 2], prefix, &content].concat(), "{length}");
        }
    }

    #[test]
    fn numbers() {
        let mut out = Vec::new();
        let mut wire = Wire(&mut out);
        wire.uint(Field(1), 0);
        wire.uint(Field(16), u64::MAX);
        wire.sint(Field(5), -3);
        wire.double(Field(2), 1.0);
        let max = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        let expected = [&[8, 0, 0x80, 1][..], &max, &[40, 5, 17, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]].concat();
        assert_eq!(out, expected);
        assert_eq!([0, -1, 1, i64::MAX, i64::MIN].map(zigzag), [0, 1, 2, u64::MAX - 1, u64::MAX]);
    }
}
