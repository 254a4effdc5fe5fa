//! `b2-sandbox`: starts a sandbox, prints one line of JSON that says where it is, and serves until its parent has ended or
//! it is told to stop.

mod arguments;
mod ending;

use std::io::{self, Write};
use std::process::ExitCode;

use arguments::Arguments;
use b2_sandbox::{Sandbox, TemporaryFile};
use ending::Ending;

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{}", arguments::HELP);
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("b2-sandbox: {problem}; see b2-sandbox --help");
            return ExitCode::from(2);
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("b2-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> io::Result<()> {
    b2_sandbox::raise_open_file_limit();
    // Before any thread is started: they take over which signals are blocked.
    let ending = Ending::prepare();
    let sandbox = Sandbox::start(arguments.config)?;
    for script in arguments.scripts {
        sandbox.script(&script.key_id, script.faults);
    }
    let ready = format!("{}\n", sandbox.ready());
    let ready_file = arguments.ready_file.map(|path| TemporaryFile::write(path, &ready)).transpose()?;
    let mut out = io::stdout().lock();
    out.write_all(ready.as_bytes())?;
    out.flush()?;
    ending.wait(arguments.until_eof, !arguments.stay)?;
    // Dropped here, so that their files are removed.
    drop(ready_file);
    drop(sandbox);
    Ok(())
}
