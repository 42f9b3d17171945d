//! The OASIS profile test cases over the network: each against a bridge of its own, made by `keybridge
//! init` and served by the built program, one named test a file and encoding. They are run as TTLV over
//! TLS; those of 2.x also as XML and JSON over HTTPS; those of message encodings in theirs.
//!
//! The files are not part of this project. They are looked for in `KEYBRIDGE_KMIP_CASES`, else in
//! `../shared/reference/kmip/test-cases` beside the project. Where a case of `cases.txt` is not found,
//! its tests count as skipped; with `CI` set, as failed.

mod cases;
mod compare;
mod element;
mod others;
mod run;
mod wire;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::cases::{Case, Encoding};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, trials()).exit_code()
}

fn trials() -> Vec<Trial> {
    // Whoever set CI promised the files; without them nothing would be proven, in silence.
    let required =
        std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    let mut trials = vec![Trial::test("the_list_of_cases_is_in_order", || {
        cases::check_list().map_err(Failed::from)
    })];
    for case in cases::all() {
        for encoding in case.encodings() {
            let name = format!("{}::{}", encoding.name(), case.name.replace('/', "::"));
            let found = case.is_there();
            let case = case.clone();
            let trial = Trial::test(name, move || test(&case, encoding));
            trials.push(trial.with_ignored_flag(!found && !required));
        }
    }
    trials
}

fn test(case: &Case, encoding: Encoding) -> Result<(), Failed> {
    if !case.is_there() {
        return Err(format!("the OASIS case {} is not there", case.path().display()).into());
    }
    let done = run::run(case, encoding);
    match (case.judgement(), done) {
        (None, done) => done.map_err(Failed::from),
        (Some(_), Err(_)) => Ok(()),
        (Some(reason), Ok(())) => {
            Err(format!("passes, though it is listed: {reason}; take it off the list").into())
        }
    }
}
