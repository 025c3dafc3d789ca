import InMemoryPorts
import RBDDriver
import VolumeCore

/// One node as Docker sees it: the plugin that answers there, and the containers.
struct Host {
    let name: String
    var plugin: RunningPlugin?
    var containers: [Container] = []
    /// Grows with every boot; what was begun in an earlier one is gone.
    var boots = 0

    init(_ name: String) { self.name = name }
}

/// One run of the plugin.
struct RunningPlugin {
    let process: Int
    let driver: VolumeDriver
}

/// A container with one volume. Docker asks for the volume with an id of the container's own.
struct Container {
    enum State {
        /// It wants the volume: a Mount has not been asked for yet, or has failed.
        case waiting
        case mounting
        /// Docker has been told the mountpoint at that moment of the host's clock, and is about to bind it into the
        /// container.
        case granted(at: String, since: Moment, client: ClientAddress?)
        /// The container runs, with a mount of its own.
        case running(Holder, device: String)
        /// It has ended; Docker has not asked for the Unmount yet, or that has failed.
        case stopped
        case unmounting
    }

    let id: String
    let volume: String
    var state: State
    /// Docker's last Unmount for it was answered with an error.
    var unmountFailed = false
    /// It was mounted again after such a failure: the plugin may not have finished with the Unmount.
    var isAgain = false
    /// How many records it has written or tried to.
    var writes = 0
    /// `plugin disable -f` took the plugin's mount from under it, or the mapping's process has died.
    var isTornAway = false

    var isRunning: Bool { if case .running = state { true } else { false } }
    var isWaiting: Bool { if case .waiting = state { true } else { false } }
    var isStopped: Bool { if case .stopped = state { true } else { false } }
    /// Whether a call of Docker's about it is under way.
    var isBusy: Bool {
        switch state {
        case .mounting, .unmounting: true
        default: false
        }
    }
}

/// What Docker asks a plugin for.
enum Request: Sendable, Hashable, CustomStringConvertible {
    case create(String)
    case mount(String, id: String)
    case unmount(String, id: String)
    case remove(String)
    case get(String)
    case list
    /// An operator's command on the same host.
    case resize(String, to: VolumeSize)
    /// The same of a removed volume, by the id of its image.
    case restore(String)
    case deleteKept(String)
    /// What the plugin does by itself when it has started.
    case recover
    /// What the plugin does by itself every two seconds.
    case tend

    var volume: String? {
        switch self {
        case .create(let name), .mount(let name, _), .unmount(let name, _), .remove(let name), .get(let name),
            .resize(let name, _):
            name
        case .list, .recover, .tend, .restore, .deleteKept: nil
        }
    }

    var description: String {
        switch self {
        case .create(let name): "Create \(name)"
        case .mount(let name, let id): "Mount \(name) \(id)"
        case .unmount(let name, let id): "Unmount \(name) \(id)"
        case .remove(let name): "Remove \(name)"
        case .get(let name): "Get \(name)"
        case .list: "List"
        case .resize(let name, let size): "Resize \(name) \(size)"
        case .restore(let image): "Restore \(image)"
        case .deleteKept(let image): "Delete \(image) from the trash"
        case .recover: "Start"
        case .tend: "look after the mounts"
        }
    }
}

/// What came of a request.
enum Outcome: Sendable {
    case done
    case mounted(at: String)
    case failed(VolumeError)
    /// The plugin was killed: the connection broke.
    case noAnswer

    var isSuccess: Bool {
        switch self {
        case .done, .mounted: true
        case .failed, .noAnswer: false
        }
    }
}

extension Outcome: CustomStringConvertible {
    var description: String {
        switch self {
        case .done: "done"
        case .mounted(let mountpoint): "mounted at \(mountpoint)"
        case .failed(let error): "\(error.code.rawValue): \(error)"
        case .noAnswer: "no answer"
        }
    }
}
