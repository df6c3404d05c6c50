//! Attacks the services for as long as one likes: `cargo run --release -p hostile -- --help`.

#![cfg_attr(not(unix), allow(unused))]

use std::error::Error;

#[cfg(not(unix))]
fn main() -> Result<(), Box<dyn Error>> {
    Err("processes are looked at as Unix shows them".into())
}

#[cfg(unix)]
fn main() -> Result<(), Box<dyn Error>> {
    use hostile::{Plan, Target};
    use lexopt::prelude::*;
    use std::io::Write as _;
    use std::path::Path;
    use std::process::Command;

    const HELP: &str = "\
Hostile clients against real services, in rounds.

Usage: cargo run --release -p hostile -- [OPTIONS]

  --rounds N         rounds behind the one that warms up [5]
  --requests N       requests of a round that are taken, each with texts of its own [20000]
  --target NAME      checkout, smallest-axum, smallest-hyper or exposed [all, one after the other]";

    let mut plan = Plan { rounds: 5, until_flat: false, requests: 20_000 };
    let mut wanted = None;
    let mut out = std::io::stdout();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("rounds") => plan.rounds = parser.value()?.parse()?,
            Long("requests") => plan.requests = parser.value()?.parse()?,
            Long("target") => wanted = Some(parser.value()?.string()?),
            Short('h') | Long("help") => return Ok(writeln!(out, "{HELP}")?),
            other => return Err(other.unexpected().into()),
        }
    }

    // `cargo run` builds one program only.
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--package", "hostile", "--bins"]);
    build.args((!cfg!(debug_assertions)).then_some("--release"));
    if !build.status()?.success() {
        return Err("the services could not be built".into());
    }
    let own = std::env::current_exe()?;
    let folder = own.parent().ok_or("where is this program?")?;

    type Start = fn(&Path) -> Target;
    let targets: [(&str, Start); 4] = [
        ("checkout", Target::checkout),
        ("smallest-axum", Target::smallest_axum),
        ("smallest-hyper", Target::smallest_hyper),
        ("exposed", Target::exposed),
    ];
    if let Some(wanted) = &wanted
        && !targets.iter().any(|(name, _)| name == wanted)
    {
        return Err(format!("there is no target {wanted}").into());
    }
    for (name, start) in
        targets.into_iter().filter(|(name, _)| wanted.as_deref().is_none_or(|wanted| wanted == *name))
    {
        writeln!(
            out,
            "{name}: arrived, refused; resident and recorder in KiB, descriptors, series, bytes of the page"
        )?;
        hostile::run(start(&folder.join(format!("hostile-{name}"))), plan, |books, sight| {
            let _ = writeln!(
                out,
                "  {:>8} {:>6} {:>8} {:>6} {:>4} {:>6} {:>8}",
                books.arrived(),
                books.refused,
                sight.resident / 1024,
                sight.recorder / 1024,
                sight.descriptors,
                sight.series,
                sight.page,
            );
        })?;
    }
    Ok(())
}
