//! What one operation costs, beside a floor written by hand: `cargo run --release -p benches [SCENARIO…] [--plots FOLDER]`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the tables are what it is for")]

mod alloc;
mod bounds;
mod by_hand;
mod harness;
mod http;
mod lines;
mod metric_peers;
mod peers;
mod population;
mod processes;
mod processor_time;
mod scenarios;
mod telemetry;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut asked: Vec<String> = std::env::args().skip(1).collect();
    if let [option, name, at] = &asked[..]
        && option == processes::OPTION
    {
        let race = scenarios::RACES.iter().find(|race| race.name == name);
        return race.zip(at.parse().ok()).map_or(ExitCode::FAILURE, |(race, at)| processes::child(race, at));
    }
    if let Some(at) = asked.iter().position(|argument| argument == plot::OPTION) {
        if at + 1 == asked.len() {
            eprintln!("{} takes the folder that they go to", plot::OPTION);
            return ExitCode::FAILURE;
        }
        asked.drain(at..at + 2).next_back().map(plot::into).unwrap_or_default();
    }
    let unknown = asked.iter().find(|name| !scenarios::ALL.iter().any(|(known, _)| known == name));
    if let Some(name) = unknown {
        let known: Vec<&str> = scenarios::ALL.iter().map(|(name, _)| *name).collect();
        eprintln!("no scenario `{name}`; there are: {}", known.join(", "));
        return ExitCode::FAILURE;
    }
    for (name, run) in scenarios::ALL {
        if asked.is_empty() || asked.iter().any(|wanted| wanted == name) {
            run();
        }
    }
    ExitCode::SUCCESS
}
