//! A C program, compiled against the header, that loads the module: life, forks, threads, exit.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{lasting_folder, make_ready_store};

/// The compiled program and a store for it. `None` without a C compiler.
fn program() -> Option<&'static (&'static Path, PathBuf)> {
    static PROGRAM: OnceLock<Option<(&'static Path, PathBuf)>> = OnceLock::new();
    let made = PROGRAM.get_or_init(|| {
        if Command::new("gcc").arg("--version").output().is_err() {
            eprintln!("no gcc: the C program is left out");
            return None;
        }
        let folder = lasting_folder();
        compile(folder, "consumer");
        let configuration = make_ready_store(folder);
        Some((folder, configuration))
    });
    made.as_ref()
}

/// Compiles a program of the tests against the header.
fn compile(folder: &Path, program: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("gcc")
        .args([
            "-std=gnu11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-g",
            "-pthread",
        ])
        .arg("-o")
        .arg(folder.join(program))
        .arg(source.join("tests").join(format!("{program}.c")))
        .arg("-I")
        .arg(source.join("../include"))
        .arg("-I")
        .arg(folder)
        .arg("-ldl")
        .output()
        .expect("gcc runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}

/// The shared object that was built together with this test.
fn module() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    test.parent()
        .expect("a folder")
        .join("libkeybridge_pkcs11.so")
}

#[track_caller]
fn run(case: &str) {
    let Some((folder, configuration)) = program() else {
        return;
    };
    let output = Command::new(folder.join("consumer"))
        .arg(module())
        .arg(case)
        .env("KEYBRIDGE_CONFIG", configuration)
        .output()
        .expect("the program runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{case}: {} {errors}",
        output.status
    );
    assert!(
        output.stdout.is_empty(),
        "the module writes to standard output"
    );
    assert!(errors.is_empty(), "the module is not quiet: {errors}");
}

#[test]
fn the_usual_life() {
    run("usual");
}

#[test]
fn a_forked_child_starts_anew_and_the_parent_goes_on() {
    run("forks");
}

#[test]
fn forks_while_other_threads_sign() {
    run("forks_among_threads");
}

#[test]
fn finalize_while_other_threads_sign() {
    run("finalize_among_threads");
}

#[test]
fn hundreds_of_threads_on_one_module() {
    run("hundreds_of_threads");
}

#[test]
fn finalize_wakes_who_waits_for_a_slot() {
    run("finalize_wakes");
}

#[test]
fn calls_from_exit_handlers_without_finalize() {
    run("exit_without_finalize");
}

#[test]
fn unloaded_and_loaded_again() {
    run("unload");
}

#[test]
fn unloaded_in_the_midst_of_use() {
    run("unload_in_use");
}

#[test]
fn locks_of_the_system_and_of_the_application() {
    run("locking");
}

/// The functions and the kinds of their arguments, for the C program; nothing for those that end or
/// begin what it needs, or wait.
fn functions() -> String {
    let left_out = [
        "C_Initialize",
        "C_Finalize",
        "C_InitToken",
        "C_CloseAllSessions",
        "C_WaitForSlotEvent",
    ];
    let kind = |(name, kind): &(&str, &str)| match *name {
        "hSession" => 's',
        "slotID" => 'l',
        // What is not looked at, or would be called; and where a pointer inside would be followed.
        "Notify" | "pApplication" | "pReserved" => '0',
        _ if name.starts_with("pul") => 'u',
        _ if kind.contains("_PTR") => 'p',
        _ if name.starts_with('h') => 'o',
        _ => 'n',
    };
    let rows = keybridge_pkcs11::ffi::DECLARATIONS.iter().map(|row| {
        let kinds: String = row.arguments.iter().map(kind).collect();
        if left_out.contains(&row.name) {
            format!("{{\"{}\", 0}},\n", row.name)
        } else {
            format!("{{\"{}\", \"{kinds}\"}},\n", row.name)
        }
    });
    rows.collect()
}

/// Every function with every argument spoiled, from C; where valgrind is, it watches.
#[test]
fn spoiled_arguments_from_c() {
    let Some((folder, configuration)) = program() else {
        return;
    };
    std::fs::write(folder.join("functions.inc"), functions()).expect("written");
    compile(folder, "spoiled");
    let watched = Command::new("valgrind").arg("--version").output().is_ok();
    let mut command = if watched {
        let mut command = Command::new("valgrind");
        command.args(["-q", "--error-exitcode=99"]);
        command.arg(folder.join("spoiled"));
        command
    } else {
        eprintln!("no valgrind: the program runs alone");
        Command::new(folder.join("spoiled"))
    };
    let output = command
        .arg(module())
        .env("KEYBRIDGE_CONFIG", configuration)
        .output()
        .expect("the program runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {errors}", output.status);
}
