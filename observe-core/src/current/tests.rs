use super::*;

struct Here;

impl tracing_core::Callsite for Here {
    fn set_interest(&self, _: tracing_core::Interest) {}
    fn metadata(&self) -> &Metadata<'_> {
        &METADATA
    }
}

static METADATA: Metadata<'static> = tracing_core::metadata! {
    name: "known",
    target: "tests",
    level: tracing_core::Level::INFO,
    fields: &[],
    callsite: &Here,
    kind: tracing_core::metadata::Kind::SPAN,
};

fn root() -> Shared<OpenSpan> {
    let hub = Hub::installed_or_detached();
    OpenSpan::root(hub, None, false, hub.clock.now())
}

fn depth() -> Option<usize> {
    with(|stack| stack.frames.len())
}

// Mutation caught: a stack without a limit.
#[test]
fn what_is_entered_and_never_left_is_kept_up_to_a_depth() {
    let mut span = Some(root());
    let outer = push_polled(&mut span);
    for _ in 0..2 * DEPTH {
        let _forgotten = push_guarded(root());
    }
    assert_eq!(depth(), Some(DEPTH));
    pop_polled(outer, &mut span);
    assert!(span.is_some());
    assert_eq!(depth(), Some(0));
}

// Mutations caught: a scope that shows what lies below it; `known` that looks beyond one.
#[test]
fn a_scope_hides_what_lies_below_it() {
    let mut span = root();
    if let Some(own) = Shared::get_mut(&mut span) {
        own.know(Known { key: NonZeroU64::MIN, door: 7, metadata: &METADATA }, |_, _| ());
    }
    let below = push_guarded(span);
    assert!(with_span(|_| ()).is_some() && known(7).is_some());
    let scope = push_scope(Arc::clone(Hub::installed_or_detached()));
    assert!(with_span(|_| ()).is_none() && known(7).is_none());
    assert_eq!(Context::current(), Context::new());
    pop(scope);
    assert!(with_span(|_| ()).is_some() && known(7).is_some());
    pop(below);
}
