//! A Rust program whose allocator is jemalloc forks, before it has used the library and while threads are inside both. A
//! process that hangs is ended by its own alarm.
//!
//! ```text
//! b2auth-allocator-host before COUNT     that many processes, each of which forks before it does anything else
//! b2auth-allocator-host among COUNT      that many forks of one process among busy threads
//! ```

use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use b2auth::Options;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const THREADS: usize = 8;
const PATIENCE_S: libc::c_uint = 60;

/// True if the library works here, with the key of the environment.
fn works(options: &Options) -> bool {
    b2auth::authorize("", "", options).is_ok()
}

/// Forks once; true if the child can allocate, and use the library if it is given options.
fn child_works(options: Option<&Options>) -> bool {
    // SAFETY: takes nothing.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: both take numbers.
        unsafe {
            libc::alarm(PATIENCE_S);
            let allocated = vec![0_u8; 1_000].capacity() >= 1_000;
            libc::_exit(i32::from(!(allocated && options.is_none_or(works))));
        }
    }
    let mut status = 0;
    // SAFETY: `status` is a place for one number.
    let good = unsafe { libc::waitpid(child, &raw mut status, 0) } == child && status == 0;
    if !good {
        println!("# a child ended with status {status:#x}");
    }
    good
}

fn before(count: usize) -> usize {
    let program = std::env::current_exe().expect("this program has a path");
    let once = || Command::new(&program).args(["once", "1"]).status().expect("it can be started").success();
    (0..count).filter(|_| once()).count()
}

fn among(count: usize) -> usize {
    let options = Options::new();
    assert!(works(&options), "the first call is granted");
    let over = AtomicBool::new(false);
    let keep_busy = || {
        for size in (0..11).map(|power| 16_usize << power).cycle() {
            drop(std::hint::black_box(Vec::<u8>::with_capacity(size)));
            assert!(works(&options), "a cached session");
            if size == 16 {
                // So that the forking thread has its turn too.
                std::thread::sleep(Duration::from_micros(100));
            }
            if over.load(Ordering::Relaxed) {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(keep_busy);
        }
        let good = (0..count).filter(|number| {
            // SAFETY: takes a number.
            unsafe { libc::alarm(PATIENCE_S) };
            child_works((number % 8 == 0).then_some(&options))
        });
        let good = good.count();
        over.store(true, Ordering::Relaxed);
        good
    })
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let (Some(how), Some(Ok(count))) = (arguments.get(1), arguments.get(2).map(|count| count.parse())) else {
        return ExitCode::from(2);
    };
    let good = match how.as_str() {
        "once" => {
            // SAFETY: takes a number.
            unsafe { libc::alarm(PATIENCE_S) };
            return if child_works(Some(&Options::new())) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        "before" => before(count),
        "among" => among(count),
        _ => return ExitCode::from(2),
    };
    println!("# {how}: {good} of {count}");
    if good == count { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
