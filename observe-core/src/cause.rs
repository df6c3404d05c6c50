//! Why a local root failed: the best word so far.
//!
//! A handler's own word stands, and is always told. What was gathered from the operations below (an annotated
//! function that answered an error) counts until it is known to have been coped with: when an operation ends
//! well, what failed below it is forgotten; when it fails in turn, the innermost text goes up with it.

use crate::context::SpanId;

/// The word of the handler, and the one that was gathered.
#[derive(Debug, Default)]
pub(crate) struct Cause {
    said: Option<String>,
    gathered: Option<Gathered>,
}

#[derive(Debug)]
struct Gathered {
    text: String,
    /// Whose end decides whether it was coped with.
    above: Option<SpanId>,
}

impl Cause {
    /// The handler says why. Its first word stands.
    pub(crate) fn say(&mut self, text: String) {
        self.said.get_or_insert(text);
    }

    /// Whether a failure of the operation `span`, or of code in it that has none, is explained from below.
    pub(crate) fn explains(&self, span: SpanId) -> bool {
        self.gathered.as_ref().is_some_and(|gathered| gathered.above == Some(span))
    }

    /// The operation `span` failed, below `above`. What failed below it explains it, else its own text does.
    pub(crate) fn fail(&mut self, span: SpanId, above: Option<SpanId>, text: Option<String>) {
        match (&mut self.gathered, text) {
            (Some(gathered), _) if gathered.above == Some(span) => gathered.above = above,
            (_, Some(text)) => self.gather(above, text),
            (_, None) => {}
        }
    }

    /// Something failed below `above` that is no operation.
    pub(crate) fn gather(&mut self, above: Option<SpanId>, text: String) {
        self.gathered = Some(Gathered { text, above });
    }

    /// The operation `span` ended well.
    pub(crate) fn recover(&mut self, span: SpanId) {
        self.gathered.take_if(|gathered| gathered.above == Some(span));
    }

    /// What the root's line says: the handler's word, else, if the root failed, what was gathered.
    pub(crate) fn told(&self, failed: bool) -> Option<&str> {
        let gathered = self.gathered.as_ref().filter(|_| failed).map(|gathered| gathered.text.as_str());
        self.said.as_deref().or(gathered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    // Mutation caught: the outermost text instead of the innermost.
    #[test]
    fn the_innermost_text_goes_up() {
        let [root, outer, inner] = [(); 3].map(|()| SpanId::random());
        let mut cause = Cause::default();
        cause.fail(inner, Some(outer), text("inner"));
        assert!(cause.explains(outer) && !cause.explains(root));
        cause.fail(outer, Some(root), text("outer"));
        assert_eq!(cause.told(true), Some("inner"));
        assert_eq!(cause.told(false), None);
    }

    // Mutation caught: `recover` that forgets nothing, or everything.
    #[test]
    fn what_was_coped_with_explains_nothing() {
        let [root, retry, call, other] = [(); 4].map(|()| SpanId::random());
        let mut cause = Cause::default();
        cause.fail(call, Some(retry), text("refused"));
        cause.recover(other);
        assert_eq!(cause.told(true), Some("refused"));
        cause.recover(retry);
        assert_eq!(cause.told(true), None);
        cause.fail(call, Some(root), text("refused"));
        cause.fail(other, Some(root), text("too late"));
        assert_eq!(cause.told(true), Some("too late"));
    }

    // Mutation caught: what was gathered before the handler's word.
    #[test]
    fn the_handlers_word_stands_and_is_always_told() {
        let [root, call] = [(); 2].map(|()| SpanId::random());
        let mut cause = Cause::default();
        cause.fail(call, Some(root), text("answered 503"));
        cause.say("payment is unavailable".to_owned());
        cause.say("second thoughts".to_owned());
        assert_eq!(cause.told(true), Some("payment is unavailable"));
        assert_eq!(cause.told(false), Some("payment is unavailable"));
    }
}
