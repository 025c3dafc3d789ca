import InMemoryPorts

/// What can go wrong.
enum Fault: String, Sendable, CaseIterable {
    // A call.
    case requestLost = "request lost"
    case answerLost = "answer lost"
    case refused = "backend failed"
    case requestLate = "request late"
    case requestTwice = "request arrives twice"
    case failedAfter = "takes effect and reports a failure"
    case killedBefore = "plugin killed before"
    case killedAfter = "plugin killed after"
    case rebootedBefore = "node rebooted before"
    case rebootedAfter = "node rebooted after"
    // A node.
    case pluginKilled = "plugin killed"
    case pluginDisabled = "plugin disabled by force"
    case rebooted = "node rebooted"
    case powerLost = "node loses power"
    case paused = "node paused"
    case cutFromEtcd = "node cut off from etcd"
    case cutFromCeph = "node cut off from Ceph"
    case notesLost = "the state folder is lost"
    case needsRepair = "a filesystem gets light damage"
    case mappingDied = "the process behind a mapping dies"
    case heartbeatLost = "heartbeat lost"
    case watchFrozen = "watch of etcd stands still"
    case clockDrifts = "clock drifts"
    case timeJumps = "much time passes"
    case dockerCrashed = "dockerd crashed"
    case etcdDown = "etcd is down"
    case cephDown = "Ceph is down"
    case etcdRestored = "etcd is restored from a backup"
    // What others do.
    case stranger = "a stranger maps the image"
    case strangerFreezes = "the stranger's host freezes"
    case foreignImage = "somebody puts an image there"
    case imageSwapped = "somebody puts another image in its place"
    case snapshotTaken = "somebody takes a snapshot"
    case rollBackAsked = "an operator wants a volume to be what it was"
    case snapshotAsked = "an operator wants a snapshot of a mounted volume"
    case snapshotsScheduled = "an operator wants snapshots by schedule, or no more"
    case snapshotKept = "an operator takes a snapshot, or holds one"
    case trashChosen = "an operator wants a volume kept when it is removed, or no more"
    case restoreAsked = "somebody restores a removed volume"
    case keptDeleted = "somebody deletes a removed volume for good"
    case wallClockJumps = "a wall clock is put forward or back"
    case recordForged = "somebody writes the record of a mount"
    case protection = "an operator protects a volume, or lifts that"
    case sizeWished = "an operator wants a volume to be larger"
    case imageGrown = "somebody makes an image larger by hand"
    case filled = "containers fill a volume that may grow by itself"
    case valuesSet = "an operator sets limits of a volume, or lifts them"
    case quotaSet = "an operator bounds what all volumes have in sum, or lifts that"
    case limitsFail = "a node has no way to limit devices"

    /// Those that strike a single call.
    static let ofCalls: [Fault] = [
        .requestLost, .answerLost, .refused, .requestLate, .requestTwice, .failedAfter, .killedBefore, .killedAfter,
        .rebootedBefore, .rebootedAfter,
    ]

    var strikesCalls: Bool { Fault.ofCalls.contains(self) }

    /// Whether it makes sense for the call. What a node's own kernel does is never late or doubled: it is done by a
    /// child process that the plugin waits for, or kills with its group.
    func canStrike(_ call: PortCall) -> Bool {
        switch self {
        case .requestLost, .refused, .killedBefore, .rebootedBefore: true
        case .answerLost, .killedAfter, .rebootedAfter: call.operation.writes
        case .failedAfter: call.operation.writes && call.operation.backend != .etcd
        case .requestLate: call.operation.writes && call.operation.backend != .kernel && !call.operation.isMapping
        case .requestTwice:
            call.operation == .storeCommit || call.operation == .fenceBlocklist || call.operation == .fenceBreakLock
                || call.operation == .imageMark
        default: false
        }
    }
}

extension PortOperation {
    /// Mapping needs Ceph, but the node's kernel does it.
    var isMapping: Bool { self == .deviceMap || self == .formatMap }
}

/// Which faults a history can have, and how many. Each history has a choice of its own: few kinds often find more than
/// all kinds at once.
struct FaultPlan: Sendable {
    var callFaults: [Fault] = []
    var events: [Fault] = []
    /// How many calls in 1000 are struck.
    var callRate = 0
    /// How likely an event is, against 60 for a call that goes on.
    var eventWeight = 0
    var remaining = 0
    /// How many calls in 1000 are held back, and for how many steps at most.
    var holdRate = 0
    var holdSteps = 1
    /// How often things that were broken are mended, against 60 for a call that goes on.
    var repairWeight = 3

    init(_ random: inout Randomness) {
        let enabled = Fault.allCases.filter { _ in random.happens(330) }
        callFaults = enabled.filter(\.strikesCalls)
        events = enabled.filter { !$0.strikesCalls }
        callRate = [0, 30, 80, 150].randomElement(using: &random) ?? 0
        eventWeight = [0, 3, 6, 12].randomElement(using: &random) ?? 0
        remaining = 1 + random.below(5)
        holdRate = [0, 50, 150].randomElement(using: &random) ?? 0
        holdSteps = 5 + random.below(40)
        repairWeight = 1 + random.below(5)
    }
}
