//! The models, each a test.

#![allow(missing_docs, reason = "tests")]

macro_rules! models {
    ($($file:ident: $($model:ident)+;)+) => {
        $(mod $file {
            $(#[test]
            fn $model() {
                models::$file::$model();
            })+
        })+
    };
}

models! {
    cells: a_total_has_what_each_thread_counted what_is_known_of_is_seen a_block_goes_from_thread_to_thread
        cells_begin_at_nothing what_is_counted_while_a_thread_ends_is_counted a_histogram_becomes_busy_and_loses_nothing;
    handover: a_stream_is_had_by_one;
    labels: a_text_has_one_value the_last_place_goes_to_one_text what_is_found_can_be_told;
    levels: changes_are_not_lost what_is_raised_again_stays_and_is_lowered_in_time;
    metrics: numbers_lose_nothing histograms_lose_nothing no_exemplar_is_torn native_histograms_lose_nothing
        summaries_lose_nothing;
    queue: every_line_is_written_or_counted a_quarter_is_kept_for_what_is_urgent a_line_beside_the_end_goes_one_way
        what_was_accepted_is_written_when_a_flush_returns a_line_wakes_who_writes;
    rates: no_more_are_kept_than_may_be what_a_call_site_left_out_is_told_once call_sites_do_not_share_a_rate
        room_for_lines_is_never_given_twice;
    recorder: who_turns_beside_another_overwrites_nothing a_reader_misses_nothing_that_was_there;
    series: a_series_is_born_once a_dense_family_is_made_once a_scrape_beside_births_shows_whole_rows
        a_look_up_finds_its_own_series past_the_cap_totals_are_right;
}

/// Mutations caught: a model that is in no list here, or in no row of the table.
#[test]
fn each_model_is_run_and_in_the_table() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (table, run) = (read("README.md"), read("tests/models.rs"));
    let mut count = 0;
    for file in std::fs::read_dir("src").into_iter().flatten().flatten().map(|entry| entry.path()) {
        let Some(name) = file.file_stem().and_then(|name| name.to_str()).filter(|_| file.is_file()) else {
            continue;
        };
        let text = read(&file.display().to_string());
        for (_, after) in text.match_indices("\npub fn ").map(|(at, before)| text.split_at(at + before.len()))
        {
            let model = after.split('(').next().unwrap_or_default();
            assert!(table.contains(&format!("`{name}::{model}`")), "{name}::{model} is in no row");
            assert!(
                run.split(|char: char| char.is_whitespace() || char == ';').any(|word| word == model),
                "{model} is not run"
            );
            count += 1;
        }
    }
    assert!(count > 10, "the models are not where they were");
}
