//! Running a program to its end, with a time limit, and a full account of it when it disappoints.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use crate::wait;

/// A program to run, its arguments, environment and input.
#[derive(Debug)]
pub struct Command {
    inner: std::process::Command,
    input: Vec<u8>,
    limit: Duration,
}

impl Command {
    /// A command that sees a minimal environment: what the tests set, and where programs are.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut inner = std::process::Command::new(program);
        inner.env_clear();
        for name in ["PATH", "HOME", "USER", "TMPDIR", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                inner.env(name, value);
            }
        }
        // Debian keeps sshd where a plain user's PATH does not look.
        let path = std::env::var("PATH").unwrap_or_default();
        inner.env("PATH", format!("{path}:/usr/sbin:/sbin"));
        inner.env("LC_ALL", "C.UTF-8");
        Self {
            inner,
            input: Vec::new(),
            limit: wait::PATIENCE,
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.inner.arg(arg);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.inner.args(args);
        self
    }

    /// Adds the arguments of one line, split at white space.
    #[must_use]
    pub fn words(self, line: &str) -> Self {
        self.args(line.split_whitespace())
    }

    /// Sets one environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    /// Sets environment variables.
    #[must_use]
    pub fn envs(mut self, vars: &[(OsString, OsString)]) -> Self {
        self.inner
            .envs(vars.iter().map(|(name, value)| (name, value)));
        self
    }

    /// Sets the folder in which the program runs.
    #[must_use]
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.inner.current_dir(dir);
        self
    }

    /// What the program reads on its standard input; nothing by default.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// How long the program may run before it is killed and the test fails.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Hands over the command for a program that is to run in the background.
    #[must_use]
    pub fn into_inner(self) -> std::process::Command {
        self.inner
    }

    /// Runs the program to its end.
    #[must_use]
    #[track_caller]
    pub fn run(mut self) -> Outcome {
        // Files, not pipes: a daemon that the program leaves behind would keep a pipe open.
        let (stdout, stderr) = (scratch(), scratch());
        let mut stdin = scratch();
        stdin.write_all(&self.input).expect("write the input");
        stdin.rewind().expect("rewind the input");
        self.inner
            .stdin(Stdio::from(stdin))
            .stdout(Stdio::from(stdout.try_clone().expect("clone a file")))
            .stderr(Stdio::from(stderr.try_clone().expect("clone a file")));
        let line = format!("{:?}", Line(&self.inner));
        let mut child = match self.inner.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{line}\ncannot start: {error}\n(scripts/test installs it)"),
        };
        let start = std::time::Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("wait for the program") {
                break Some(status);
            }
            if start.elapsed() > self.limit {
                child.kill().expect("kill the program");
                child.wait().expect("reap the program");
                break None;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let outcome = Outcome {
            line,
            status,
            stdout: contents(stdout),
            stderr: contents(stderr),
        };
        assert!(
            status.is_some(),
            "still running after {:?}:\n{outcome}",
            self.limit
        );
        outcome
    }

    /// Runs the program, which must succeed.
    #[track_caller]
    pub fn ok(self) -> Outcome {
        let outcome = self.run();
        assert!(outcome.success(), "must succeed:\n{outcome}");
        outcome
    }

    /// Runs the program, which must fail by its own decision, not by a signal.
    #[track_caller]
    pub fn fails(self) -> Outcome {
        let outcome = self.run();
        let code = outcome.status.and_then(|status| status.code());
        assert!(
            code.is_some_and(|code| code != 0),
            "must fail, and not crash:\n{outcome}"
        );
        outcome
    }
}

fn scratch() -> File {
    tempfile::tempfile().expect("a temporary file")
}

fn contents(mut file: File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.rewind().expect("rewind a temporary file");
    file.read_to_end(&mut bytes).expect("read a temporary file");
    bytes
}

/// A command as a person would type it.
struct Line<'a>(&'a std::process::Command);

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inherited: Vec<_> = ["PATH", "HOME", "USER", "TMPDIR", "LC_ALL"]
            .map(OsString::from)
            .into();
        for (name, value) in self.0.get_envs() {
            if let Some(value) = value.filter(|_| !inherited.iter().any(|known| known == name)) {
                write!(f, "{}={:?} ", name.display(), value)?;
            }
        }
        write!(f, "{}", self.0.get_program().display())?;
        for arg in self.0.get_args() {
            let text = arg.to_string_lossy();
            if text.is_empty()
                || text.contains(|c: char| c.is_whitespace() || "'\"$;&|".contains(c))
            {
                write!(f, " '{}'", text.replace('\'', "'\\''"))?;
            } else {
                write!(f, " {text}")?;
            }
        }
        Ok(())
    }
}

/// What a program did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The command as typed.
    pub line: String,
    /// How it ended; `None` when it ran into its time limit.
    pub status: Option<ExitStatus>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Outcome {
    /// Whether the program ended with exit code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Its standard output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard output and standard error as one text: programs differ in where they say things.
    #[must_use]
    pub fn all(&self) -> String {
        format!("{}\n{}", self.text(), String::from_utf8_lossy(&self.stderr))
    }

    /// Its standard output, read as one JSON document.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_slice(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("not JSON ({error}):\n{self}"),
        }
    }

    /// Asserts that the program said `needle` somewhere.
    #[track_caller]
    pub fn says(&self, needle: &str) -> &Self {
        assert!(self.all().contains(needle), "must say {needle:?}:\n{self}");
        self
    }

    /// Asserts that the program did not say `needle` anywhere.
    #[track_caller]
    pub fn never_says(&self, needle: &str) -> &Self {
        assert!(
            !self.all().contains(needle),
            "must not say {needle:?}:\n{self}"
        );
        self
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}", self.line)?;
        match self.status {
            Some(status) => writeln!(f, "{status}")?,
            None => writeln!(f, "killed at its time limit")?,
        }
        for (name, bytes) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !bytes.is_empty() {
                writeln!(
                    f,
                    "--- {name}\n{}",
                    String::from_utf8_lossy(bytes).trim_end()
                )?;
            }
        }
        Ok(())
    }
}
