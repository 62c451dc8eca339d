//! A program that answers each line it is sent with a line of JSON.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::Result;

/// A program that is running; it ends when this is dropped.
pub struct Child {
    name: &'static str,
    process: std::process::Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Child {
    /// Starts a program.
    pub fn start(name: &'static str, mut command: Command) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                format!("cannot start {name} ({:?}): {error}", command.get_program())
            })?;
        let output = process.stdout.take().ok_or("no output")?;
        Ok(Self {
            name,
            input: process.stdin.take(),
            output: BufReader::new(output),
            process,
        })
    }

    /// Sends a line and waits for the answer.
    pub fn ask(&mut self, question: &str) -> Result<Value> {
        let ended = || format!("{} ended at {question:?}; its message is above", self.name);
        let input = self.input.as_mut().ok_or_else(ended)?;
        writeln!(input, "{question}").map_err(|_| ended())?;
        let mut answer = String::new();
        if self.output.read_line(&mut answer)? == 0 {
            return Err(ended().into());
        }
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The end of its input ends the program.
        self.input = None;
        let _ = self.process.wait();
    }
}
