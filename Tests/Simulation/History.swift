import InMemoryPorts
import RBDDriver
import VolumeCore

/// One history: nodes with the real driver, their Docker daemons and containers, and a scheduler that decides by seed
/// which waiting call goes on next and what goes wrong.
///
/// `@unchecked Sendable`: all of it, the driver's tasks included, runs on the thread that made it.
final class History: @unchecked Sendable {
    let seed: UInt64
    /// Whether the images that are there in the beginning have no exclusive lock.
    let isLockless: Bool
    let options: HistoryOptions
    let cluster: SimulatedCluster
    let executor = RunLoopExecutor()
    let lot = ParkingLot(outsiders: [Setup.stranger])
    let volumes: [String]
    var plan: FaultPlan
    var hosts: [Host]
    var checks = SafetyChecks()
    var writes = WriteLog()
    var trace: Trace
    /// The step that is being taken, and its random numbers.
    var step = 0
    var random: Randomness
    /// Requests that were given up by their caller and may still take effect.
    var late: [LateRequest] = []
    /// Requests under way, by number.
    var inFlight: [Int: RequestUnderWay] = [:]
    var lastRequest = 0
    /// The outcome of the request that ended last, for the ending.
    var outcomes: [Int: Outcome] = [:]
    var containers = 0
    /// Volumes that their containers fill again and again.
    var filling: Set<String> = []
    var lastTended: Duration = .zero
    var isEnding = false
    /// The image that a stranger has mapped, with the device.
    var strangersDevice: (ports: NodePorts, device: MappedDevice, mountpoint: String)?
    /// What etcd can be restored to.
    var backup: SimulatedEtcd?
    /// It is to be restored as soon as nothing is under way.
    var isToBeRestored = false
    var faultsSeen: [Fault: Int] = [:]
    var answers: [String: Int] = [:]

    init(seed: UInt64, _ options: HistoryOptions, _ worlds: StartingWorlds) {
        self.seed = seed
        isLockless = seed % 5 == 3
        self.options = options
        trace = Trace(isWritten: options.writesTrace)
        var random = Randomness(seed: seed)
        let volumes = Setup.volumes(seed, &random)
        var start = [StartingPoint.nothing, .created, .created, .mounted, .mounted].randomElement(using: &random)
        plan = FaultPlan(&random)
        let asksForRemoved = plan.events.contains(.restoreAsked) || plan.events.contains(.keptDeleted)
        if asksForRemoved, start == .nothing || (start == .created && seed % 2 == 0) { start = .trashed }
        steps = 20 + random.below(41)
        hosts = Setup.nodes.map(Host.init)
        cluster = SimulatedCluster(nodes: Setup.nodes + [Setup.stranger], hook: lot)
        cluster.forgetCalls(andRecordMore: false)
        let world = worlds.world(at: start ?? .nothing, volumes)
        cluster.mutate { [isLockless] shared in
            shared = world
            if isLockless { shared.disableLocks() }
            guard [1, 2].contains(seed % 5) else { return }
            for node in Setup.nodes {
                shared.giveBackWithLastMount(on: node)
                shared.watchForReading(on: node)
            }
        }
        self.volumes = volumes
        self.random = random
        lot.wakeUp = { [unowned self] node, duration in self.wakeUp(of: node, after: duration) }
        lot.holding = { [unowned self] in self.holding() }
        prepare(start ?? .nothing)
    }

    private let steps: Int

    /// At the end: the plugin is killed after its next call of that kind.
    var killedAfter: PortOperation?

    /// At the end: the node is paused after its next call of that kind.
    var pausedAfter: (node: String, operation: PortOperation)?

    private func prepare(_ start: StartingPoint) {
        trace.note(0, cluster.world) { "\(volumes.joined(separator: " and ")): \(start), faults: \(planText)" }
        for index in hosts.indices { startPlugin(on: index, recovering: false) }
        if random.happens(500), !keepsRemoved {
            cluster.mutate { _ = $0.setPolicy(nil, as: .standard) }
        } else {
            // Of two volumes that are created at the same time, or grow, there is room for one.
            let most = VolumeSize.mebibytes(start == .nothing ? 600 : 900 + 700 * UInt64(random.below(3)))
            cluster.mutate {
                _ = $0.setPolicy(
                    Setup.policy(allowing: most, keeping: keepsRemoved, scheduling: takesSnapshots), as: .standard)
            }
        }
        guard start == .mounted, let volume = Setup.mountedFirst(of: volumes) else { return }
        let mountpoint = Setup.mountpoint(volume)
        let device = cluster.mutate { $0.nodes["a"]?.kernel.mount(at: mountpoint)?.device }
        guard let holder = try? cluster.mutate({ try $0.startContainer(on: "a", at: mountpoint) }), let device else {
            return
        }
        hosts[0].containers.append(
            Container(id: "a0", volume: volume, state: .running(holder, device: device)))
    }

    /// Whether removed volumes are kept, unless an operator wants it otherwise: where somebody is going to ask for them.
    var keepsRemoved: Bool { plan.events.contains(.restoreAsked) || plan.events.contains(.keptDeleted) }

    /// Whether the policy has snapshots taken: where an operator is going to begin and end that for single volumes.
    var takesSnapshots: Bool { plan.events.contains(.snapshotsScheduled) }

    private var planText: String {
        (plan.callFaults + plan.events).map(\.rawValue).joined(separator: ", ")
    }

    /// Runs it to its end.
    func run() -> HistoryResult {
        let last = min(steps, options.maximumSteps ?? steps)
        while step < last, checks.violation == nil {
            step += 1
            random = Randomness(seed: seed, stream: UInt64(step))
            if !options.mutedSteps.contains(step) { takeStep() }
            afterStep()
        }
        if checks.violation == nil { endWell() }
        if executor.hasLeaked { checks.report(.deterministic, "a task ran on another executor") }
        abandon()
        return HistoryResult(
            seed: seed, violation: checks.violation, fingerprint: trace.fingerprint, steps: step,
            faults: faultsSeen, answers: answers, trace: trace.lines)
    }

    /// What must hold now is checked, and shown.
    func afterStep() {
        checks.takesUnderWay = Set(
            (lot.calls.map(\.call) + late.map(\.call)).filter { $0.operation == .snapshotTake }.map(\.subject))
        let lot = lot.calls.count
        cluster.mutate { world in
            checks.check(world)
            checkGranted(world)
            trace.mix(Int(truncatingIfNeeded: world.etcd.revision) &* 64 &+ lot)
            trace.mix(Int(truncatingIfNeeded: world.now.components.attoseconds &+ world.now.components.seconds))
        }
        if trace.isWritten { trace.noteChanges(cluster.world) }
    }

    /// Nobody may be left waiting when the history is thrown away.
    private func abandon() {
        for host in hosts { cluster.mutate { $0.killPlugin(on: host.name) } }
        while !lot.calls.isEmpty {
            for host in hosts {
                for parked in lot.takeAll(of: host.name) { parked.continuation.resume(throwing: PluginIsGone()) }
            }
            executor.drain()
        }
    }

    private func wakeUp(of node: String, after duration: Duration) -> Duration {
        cluster.mutate { $0.now + $0.worldTime(of: duration, on: node) }
    }

    private func holding() -> Int {
        random.happens(plan.holdRate) ? step + 1 + random.below(plan.holdSteps) : 0
    }

    func note(_ line: @autoclosure () -> String) {
        guard trace.isWritten else { return }
        let text = line()
        trace.note(step, cluster.world) { text }
    }
}

/// How a history is to be run.
public struct HistoryOptions: Sendable {
    public var mutation: Mutation?
    public var maximumSteps: Int?
    /// Steps that are left out, to find the ones that matter.
    public var mutedSteps: Set<Int> = []
    public var writesTrace = false

    public init(mutation: Mutation? = nil) { self.mutation = mutation }
}

/// What came of a history.
public struct HistoryResult: Sendable {
    public let seed: UInt64
    public let violation: Violation?
    /// The same for every run of the same seed.
    public let fingerprint: UInt64
    public let steps: Int
    let faults: [Fault: Int]
    let answers: [String: Int]
    public let trace: [String]
}

/// A request whose caller has given it up, and which may still take effect.
struct LateRequest {
    let call: PortCall
    let effect: @Sendable () throws -> Void
}

struct RequestUnderWay {
    let request: Request
    let host: Int
    let process: Int
    let began: Duration
    /// Its answer may be about a mapping that has died since it was looked at.
    var sawMappingDie = false
}
