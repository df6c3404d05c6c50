//! Label sets of this crate's own metrics, which must not need the derives.

/// Declares an open label type, and its set of texts: `open_label!(pub(crate) Route, max 1_000)`.
macro_rules! open_label {
    ($(#[$doc:meta])* $visibility:vis $name:ident, max $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $visibility struct $name($crate::label::LabelId);

        const _: () = {
            static TEXTS: $crate::label::OpenSet = $crate::label::OpenSet::new($max);

            impl From<&str> for $name {
                fn from(text: &str) -> Self {
                    Self(TEXTS.intern(text))
                }
            }

            #[diagnostic::do_not_recommend]
            impl $crate::label::LabelValue for $name {
                const CARDINALITY: u32 = $crate::label::OpenSet::cardinality($max);
                const OTHER: Option<u32> = Some($crate::label::LabelId::OTHER.code());
                const EMPTY: Option<u32> = Some($crate::label::LabelId::EMPTY.code());

                #[inline]
                fn code(self) -> u32 {
                    self.0.code()
                }

                fn text(code: u32) -> &'static str {
                    TEXTS.text($crate::label::LabelId::from_code(code))
                }
            }
        };
    };
}

/// Declares a label set: `label_set!(pub(crate) Labels { route: Route = "http_route" })`.
macro_rules! label_set {
    ($(#[$doc:meta])* $visibility:vis $name:ident { $($field:ident: $value:ty = $label:expr),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility struct $name {
            $($visibility $field: $value,)+
        }

        #[diagnostic::do_not_recommend]
        impl $crate::label::LabelSet for $name {
            const NAMES: &'static [&'static str] = &[$($label,)+];
            const SHAPE: &'static [$crate::label::Shape] = &[$($crate::label::Shape::of::<$value>(),)+];

            #[inline]
            fn index(self) -> u64 {
                let index = 0;
                $(
                    let index = index * u64::from(<$value as $crate::label::LabelValue>::CARDINALITY)
                        + u64::from($crate::label::LabelValue::code(self.$field));
                )+
                index
            }

            #[inline]
            fn overflow(self) -> u32 {
                let (overflow, label) = (0, 0);
                $(
                    let overflow = overflow | u32::from($crate::label::LabelValue::is_other(self.$field)) << label;
                    let label = label + 1;
                )+
                let _: u32 = label;
                overflow
            }

            fn text(index: u64, label: usize) -> &'static str {
                let code = $crate::label::digit(Self::SHAPE, index, label);
                let texts: &[fn(u32) -> &'static str] = &[$(<$value as $crate::label::LabelValue>::text,)+];
                texts.get(label).map_or("", |text| text(code))
            }
        }
    };
}

pub(crate) use {label_set, open_label};

#[cfg(test)]
mod tests {
    use crate::label::{LabelSet, LabelValue};
    use crate::outcome::Outcome;

    open_label!(Peer, max 3);
    label_set!(Labels { cached: bool = "cached", peer: Option<Peer> = "peer", outcome: Outcome = "outcome", });

    #[test]
    fn every_combination_has_a_number_of_its_own_and_reads_back() {
        let peers = [None, Some(Peer::from("a")), Some(Peer::from("b")), Some(Peer::from(""))];
        let mut seen = std::collections::BTreeSet::new();
        for cached in [false, true] {
            for peer in peers {
                for outcome in Outcome::ALL {
                    let labels = Labels { cached, peer, outcome };
                    let index = labels.index();
                    assert!(index < Labels::SPACE);
                    seen.insert(index);
                    assert_eq!(Labels::text(index, 0), if cached { "true" } else { "false" });
                    assert_eq!(Labels::text(index, 1), peer.map_or("", |peer| Peer::text(peer.code())));
                    assert_eq!(Labels::text(index, 2), outcome.as_str());
                    assert_eq!(labels.overflow(), 0);
                }
            }
        }
        // An empty text and no text are one.
        assert_eq!(seen.len(), 2 * 3 * 4);
    }

    #[test]
    fn past_the_limit_the_label_says_so() {
        for text in ["a", "b", "c", "d", "e"] {
            let _ = Peer::from(text);
        }
        let labels = Labels { cached: false, peer: Some(Peer::from("f")), outcome: Outcome::Ok };
        assert_eq!(labels.overflow(), 0b010);
        assert_eq!(Labels::text(labels.index(), 1), "_OTHER");
    }
}
