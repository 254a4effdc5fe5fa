//! `b2-sandbox`: starts a sandbox, says in one line of JSON where it is, and serves until its
//! parent is gone or it is told to stop.

mod arguments;
mod ending;

use std::io::{self, Write};
use std::process::ExitCode;

use arguments::Arguments;
use b2_sandbox::Sandbox;
use ending::Ending;

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{}", arguments::HELP);
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("b2-sandbox: {problem}\n\n{}", arguments::HELP);
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
    let mut out = io::stdout().lock();
    writeln!(out, "{}", sandbox.ready())?;
    out.flush()?;
    ending.wait(arguments.until_eof)?;
    // Dropped here, so that its folder is removed.
    drop(sandbox);
    Ok(())
}
