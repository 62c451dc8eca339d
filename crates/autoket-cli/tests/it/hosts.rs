//! Ranks on hosts apart from each other: network namespaces of one machine, joined by a cable of their own.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio, id};

use super::mpi::{LONGER, assert_same, completes, ends_within, kill, wait_for_checkpoint};
use super::{folder, output, stderr, stdout};

/// Two hosts with names and networks of their own; they share files.
struct Hosts {
    names: [String; 2],
    network: String,
}

fn succeeds(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    let command = command.args(args).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Hosts {
    /// Makes them, for one test; `None` where that is not allowed.
    fn new(test: u8) -> Option<Self> {
        let hosts = Self {
            names: [1, 2].map(|i| format!("ak{}x{test}x{i}", id() % 100_000)),
            // Of the addresses for tests of networks between others.
            network: format!("198.18.{test}"),
        };
        let [a, b] = [0, 1].map(|i| hosts.names[i].as_str());
        let cable = ["link", "add", "eth0", "netns", a, "type", "veth"];
        let cable = [&cable[..], &["peer", "name", "eth0", "netns", b]].concat();
        let made = succeeds("ip", &["netns", "add", a])
            && succeeds("ip", &["netns", "add", b])
            && succeeds("ip", &cable)
            && [a, b].into_iter().enumerate().all(|(i, name)| {
                let address = format!("{}/24", hosts.address(i));
                succeeds("ip", &["-n", name, "addr", "add", &address, "dev", "eth0"])
                    && succeeds("ip", &["-n", name, "link", "set", "eth0", "up"])
                    && succeeds("ip", &["-n", name, "link", "set", "lo", "up"])
            });
        made.then_some(hosts)
    }

    fn address(&self, i: usize) -> String {
        format!("{}.{}", self.network, i + 1)
    }

    /// `mpirun -n RANKS autoket ...` on the first host, with two places for ranks on each.
    fn mpirun(&self, folder: &Path, ranks: usize, args: &[&str]) -> Command {
        // In place of ssh: `agent ADDRESS COMMAND...`.
        let agent = folder.join("agent");
        let [a, b] = &self.names;
        let text = format!(
            "#!/bin/sh\ncase $1 in {}) name={a};; *) name={b};; esac\nshift\n\
             exec ip netns exec $name unshare --uts sh -c \"hostname $name; $*\"\n",
            self.address(0)
        );
        std::fs::write(&agent, text).unwrap();
        std::fs::set_permissions(&agent, std::fs::Permissions::from_mode(0o755)).unwrap();
        let places = [0, 1].map(|i| format!("{}:2", self.address(i))).join(",");
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", a, "unshare", "--uts", "sh", "-c"])
            .arg(format!("hostname {a}; exec \"$@\""))
            .args(["sh", "mpirun", "--mca", "plm_rsh_agent"])
            .arg(agent)
            .args(["--mca", "btl", "tcp,self", "--host", &places])
            .args(["-n", &ranks.to_string()])
            .arg(assert_cmd::cargo::cargo_bin!("autoket"))
            .args(args)
            .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
            .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
            .env("OMPI_MCA_mpi_yield_when_idle", "1")
            .current_dir(folder);
        command
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for name in &self.names {
            succeeds("ip", &["netns", "del", name]);
        }
    }
}

const SKIPPED: &str = "SKIPPED: hosts apart from each other need root, `ip` and network namespaces";

/// Over a network the numbers are those of one rank, and each host is divided among the ranks it has.
#[test]
fn the_hosts_of_ranks_do_not_matter() {
    let Some(hosts) = Hosts::new(1) else {
        return println!("{SKIPPED}");
    };
    let folder = folder();
    fn args(out: &str) -> Vec<&str> {
        [&["run", "small.toml", "-q", "--out", out], &LONGER[..]].concat()
    }
    assert!(output(folder.path(), &args("alone")).status.success());
    for ranks in 2..=4 {
        let out = format!("out-{ranks}");
        completes(hosts.mpirun(folder.path(), ranks, &args(&out)));
        assert_same(folder.path(), "alone", &out);
    }
}

/// A rank that dies on the other host ends the run, whose last checkpoint is whole.
#[test]
fn a_rank_that_dies_elsewhere_ends_the_run() {
    let Some(hosts) = Hosts::new(2) else {
        return println!("{SKIPPED}");
    };
    let folder = folder();
    let args = [
        &["run", "small.toml", "--out", "out", "--set"][..],
        &["run.steps=100000000", "--set", "run.checkpoint_every=20"],
    ]
    .concat();
    let mut command = hosts.mpirun(folder.path(), 4, &args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = command.spawn().unwrap();
    wait_for_checkpoint(folder.path());
    let there = Command::new("ip")
        .args(["netns", "pids", &hosts.names[1]])
        .output()
        .unwrap();
    let is_rank = |id: &&str| {
        let name = std::fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
        name.trim() == "autoket"
    };
    let there = stdout(&there);
    let ranks: Vec<&str> = there.lines().filter(is_rank).collect();
    assert_eq!(ranks.len(), 2, "{there}");
    kill("-KILL", ranks[1].parse().unwrap());
    let ended = ends_within(run, 60);
    assert!(!ended.status.success());
    let said = stdout(&ended) + &stderr(&ended);
    assert!(said.contains("signal 9"), "{said}");
    let resumed = output(folder.path(), &["resume", "out", "--set", "run.steps=1"]);
    assert!(resumed.status.success(), "{}", stderr(&resumed));
}
