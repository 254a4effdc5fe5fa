//! Tests that need a process of their own: this program, run again for one ignored test that does nothing unless a
//! variable of the environment gives it a task.

use std::process::{Command, Stdio};

use serde_json::Value;

const TASK: &str = "B2AUTH_TEST_TASK";
const RESULT: &str = "RESULT ";

/// A command that runs that ignored test with the task, and with no settings of the caller's in its environment.
pub fn command(test: &str, task: &Value) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    configure(&mut command, test, task);
    command
}

/// The same for a command that runs this program by way of another.
pub fn configure(command: &mut Command, test: &str, task: &Value) {
    command.args(["--exact", test, "--ignored", "--nocapture"]).env(TASK, task.to_string());
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_ascii_uppercase();
        if upper.starts_with("B2_") || upper.starts_with("SSL_CERT_") || upper.ends_with("_PROXY") {
            command.env_remove(name);
        }
    }
    // Nor is the caller's own database of the b2 tool read.
    command.env("HOME", "/nonexistent").env_remove("XDG_CONFIG_HOME");
}

/// Runs such a command, and returns what the test reported.
pub fn run(command: &mut Command) -> Value {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().expect("it runs");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    stdout.lines().find_map(parse_report).unwrap_or_else(|| panic!("the test reported nothing: {stdout}"))
}

/// In the subprocess: the task of a test, or `None` if the test was not started by [`command`].
pub fn task() -> Option<Value> {
    let task = std::env::var(TASK).ok()?;
    Some(serde_json::from_str(&task).expect("the parent writes JSON"))
}

/// In the subprocess: the line that reports a result. It begins with a line end, since libtest writes to the same output.
pub fn report(result: &Value) -> String {
    format!("\n{RESULT}{result}\n")
}

/// In the parent: the result in a line of output, if it has one.
pub fn parse_report(line: &str) -> Option<Value> {
    Some(serde_json::from_str(line.strip_prefix(RESULT)?).expect("the child writes JSON"))
}
