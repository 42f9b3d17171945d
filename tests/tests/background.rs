//! Servers that a test starts and that are gone when it ends.

use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};

use keybridge_tests::{Command, wait};

/// A program in the background, killed when dropped, and with it what it started.
pub(crate) struct Background(Child);

impl Background {
    /// Starts a server and waits until it accepts connections on this loopback port.
    #[track_caller]
    pub(crate) fn start(command: Command, port: u16) -> Self {
        let child = command
            .into_inner()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("start a server");
        let mut this = Self(child);
        wait::until("a server to listen", wait::PATIENCE, || {
            let ended = this.0.try_wait().expect("wait for the server");
            assert!(ended.is_none(), "the server ended: {ended:?}");
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        });
        this
    }

    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits until it has ended by itself; whether it said that all was well.
    #[track_caller]
    pub(crate) fn ends_well(&mut self) -> bool {
        wait::until("a server to end", wait::PATIENCE, || {
            self.0.try_wait().expect("wait for the server")
        })
        .success()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // The whole group: nginx's workers outlive a master that is killed.
        let _ = std::process::Command::new("kill")
            .args(["-KILL", "--", &format!("-{}", self.0.id())])
            .stderr(Stdio::null())
            .status();
        let _ = self.0.wait();
    }
}
