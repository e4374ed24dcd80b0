use super::*;

fn sync_of(functions: &[&str]) -> Waiting {
    StackWaits::of(functions).sync
}

#[test]
fn semaphores_are_told_apart_by_the_innermost_frames() {
    let mutex = [
        "internal/sync.(*Mutex).lockSlow",
        "internal/sync.(*Mutex).Lock",
        "sync.(*Mutex).Lock",
        "main.f",
    ];
    assert_eq!(sync_of(&mutex), Waiting::Mutex);
    let once = [
        "sync.(*Mutex).lockSlow",
        "sync.(*Mutex).Lock",
        "sync.(*Once).doSlow",
        "sync.(*Once).Do",
        "main.f",
    ];
    assert_eq!(sync_of(&once), Waiting::Once);
    // The function of the sync.Once locks a mutex.
    let within = [
        "sync.(*Mutex).Lock",
        "main.init",
        "sync.(*Once).doSlow",
        "main.f",
    ];
    assert_eq!(sync_of(&within), Waiting::Mutex);
    assert_eq!(
        sync_of(&["sync.(*WaitGroup).Wait", "main.f"]),
        Waiting::WaitGroup
    );
    let relock = ["sync.(*Mutex).Lock", "sync.(*Cond).Wait", "main.f"];
    assert_eq!(sync_of(&relock), Waiting::CondRelock);
    let writers = ["sync.(*Mutex).Lock", "sync.(*RWMutex).Lock", "main.f"];
    assert_eq!(sync_of(&writers), Waiting::RwMutexWrite);
    assert_eq!(
        sync_of(&["sync.(*RWMutex).RLock", "main.f"]),
        Waiting::RwMutexRead
    );
    let fd = [
        "internal/poll.(*fdMutex).rwlock",
        "internal/poll.(*FD).Write",
        "os.(*File).Write",
        "main.f",
    ];
    assert_eq!(sync_of(&fd), Waiting::FdLock);
    let done = ["runtime.gcMarkDone", "runtime.gcAssistAlloc", "main.f"];
    assert_eq!(sync_of(&done), Waiting::EndOfMarking);
    let stats = ["runtime.stopTheWorldGC", "runtime.ReadMemStats", "main.f"];
    assert_eq!(sync_of(&stats), Waiting::RuntimeSemaphore);
    assert_eq!(sync_of(&[]), Waiting::Sync);
}

#[test]
fn waits_from_before_the_trace_are_told_by_what_parked_them() {
    let before = |functions: &[&str]| StackWaits::of(functions).before;
    let park = "runtime.gopark";
    assert_eq!(
        before(&[park, "runtime.chanrecv", "main.f"]),
        Waiting::ChanReceive
    );
    let group = [
        park,
        "runtime.goparkunlock",
        "runtime.semacquire1",
        "sync.runtime_SemacquireWaitGroup",
        "sync.(*WaitGroup).Wait",
        "main.f",
    ];
    assert_eq!(before(&group), Waiting::WaitGroup);
    let pipe = [
        park,
        "runtime.netpollblock",
        "internal/poll.(*FD).Read",
        "os.(*File).Read",
        "main.f",
    ];
    assert_eq!(before(&pipe), Waiting::Pipe);
    assert_eq!(before(&[park, "runtime.bgsweep"]), Waiting::BeforeTrace);
    assert_eq!(before(&[]), Waiting::BeforeTrace);
}

#[test]
fn waits_for_ever_and_pools() {
    let of = |functions: &[&str]| StackWaits::of(functions);
    assert_eq!(
        of(&["runtime.chansend1", "main.f"]).forever,
        Waiting::NilChanSend
    );
    assert_eq!(of(&["runtime.main"]).forever, Waiting::Panic);
    assert_eq!(
        of(&["runtime.block", "runtime.main"]).forever,
        Waiting::NoCases
    );
    assert_eq!(of(&["main.main", "runtime.main"]).forever, Waiting::NoCases);
    let conn = ["runtime.selectgo", "database/sql.(*DB).conn", "main.f"];
    assert_eq!(of(&conn).pool, Some(Pool::Database));
    assert_eq!(
        of(&["runtime.selectgo", "main.f", "database/sql.(*DB).conn"]).pool,
        None
    );
}
