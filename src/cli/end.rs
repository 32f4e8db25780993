//! The end of the program. A command runs on a thread of its own and the main thread waits for it, so that the program can
//! end while a thread of the command is still blocked: returning from `main` waits for no other thread.

use std::panic::resume_unwind;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use super::interrupt::Hearing;
use crate::error::{Error, ExitCode, Result};

/// The stack of a command, in bytes: what main threads have.
const STACK: usize = 8 * 1024 * 1024;

enum End {
    /// The command has come to its end.
    Ended(ExitCode),
    /// It has panicked.
    Broken,
    /// It is not waited for any more.
    Forced,
}

/// Ends the program whatever the command is doing.
#[derive(Debug, Clone, Default)]
pub(super) struct Force {
    main: Option<Sender<End>>,
    /// What of the command hears signals now.
    pub(super) hearing: Hearing,
}

impl std::fmt::Debug for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ended(_) => "ended",
            Self::Broken => "broken",
            Self::Forced => "forced",
        })
    }
}

impl Force {
    /// The program ends with [`ExitCode::Interrupted`].
    pub(super) fn end(&self) {
        if let Some(main) = &self.main {
            // A main thread that is gone has ended the program.
            let _ = main.send(End::Forced);
        }
    }
}

/// Tells the end of the command, however it comes.
struct Teller {
    main: Sender<End>,
    code: Option<ExitCode>,
}

impl Drop for Teller {
    fn drop(&mut self) {
        let end = self.code.map_or(End::Broken, End::Ended);
        let _ = self.main.send(end);
    }
}

/// Runs a command, and waits for its end or for the order not to.
///
/// # Errors
/// When no thread can be started.
pub(super) fn run(command: impl FnOnce(Force) -> ExitCode + Send + 'static) -> Result<ExitCode> {
    let (main, told): (_, Receiver<End>) = mpsc::channel();
    let thread = thread::Builder::new()
        .name("command".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            let force = Force {
                main: Some(main.clone()),
                hearing: Hearing::default(),
            };
            let mut teller = Teller { main, code: None };
            teller.code = Some(command(force));
        })
        .map_err(|error| Error::machine("no thread can be started").caused_by(error))?;
    match told.recv() {
        Ok(End::Ended(code)) => Ok(code),
        Ok(End::Forced) => Ok(ExitCode::Interrupted),
        Ok(End::Broken) | Err(_) => match thread.join() {
            Err(panic) => resume_unwind(panic),
            Ok(()) => Err(Error::machine("the command ended without a word")),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_command_that_hangs_does_not_keep_the_program() {
        let start = Instant::now();
        let code = run(|force| {
            force.end();
            thread::sleep(Duration::from_secs(60));
            ExitCode::Done
        });
        assert_eq!(code.unwrap(), ExitCode::Interrupted);
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn its_code_and_its_panic_come_through() {
        assert_eq!(run(|_| ExitCode::SomeRows).unwrap(), ExitCode::SomeRows);
        let broken = std::panic::catch_unwind(|| run(|_| panic!("broken")));
        assert_eq!(broken.unwrap_err().downcast_ref::<&str>(), Some(&"broken"));
    }
}
