import ArgumentParser
import CephStorage
import EtcdClient
import EtcdState
import Glibc
import Logging
import PluginConfiguration
import RBDDriver
import VolumeCore

/// The connections of one operator's command. Settings are the plugin's: `OperatorEnvironment`.
struct OperatorSession {
    let actions: OperatorActions
    let policies: PolicyActions
    let global: GlobalRecord
    let snapshots: SnapshotActions
    let requests: RequestActions
    let trash: TrashActions
    let backups: BackupActions
    let images: CephImageStore
    let inCeph: CephSnapshotStore
    let nodes: EtcdNodeDirectory
    let history: EtcdHistory
    /// Whether the records are of the Ceph cluster that the settings name: to be required before Ceph is asked about them.
    let cluster: ClusterBinding
    let ceph: CephConnection
    private let etcd: EtcdClient
    private let files: CephClientConfiguration

    /// Runs `body` with both backends at hand, and ends the program with the error's sentence when it fails.
    static func run(_ body: (OperatorSession) async throws -> Void) async throws {
        signal(SIGPIPE, SIG_IGN)
        let settings = try SettingsFromEnvironment.load(OperatorEnvironment.variables)
        let session: OperatorSession
        do {
            session = try OperatorSession(settings)
        } catch {
            throw Failed("\(error)")
        }
        do {
            try await OperatorPorts.named { try await body(session) }
            await session.close()
        } catch let error as VolumeError {
            await session.close()
            throw Failed(error.description)
        } catch {
            await session.close()
            throw error
        }
    }

    private init(_ settings: Settings) throws {
        let silent = Logger(label: "rbd-plugin") { _ in SwiftLogNoOpLogHandler() }
        let clock = SystemClock()
        let keys = StateKeys(prefix: settings.etcd.prefix)
        // Each command has its own, for it removes them at its end.
        files = CephClientConfiguration(
            settings.ceph, directory: "\(settings.stateDirectory)/ceph-operator/\(getpid())",
            connectTimeout: settings.limits.ceph)
        etcd = try EtcdClient(configuration: EtcdConfiguration(settings), logger: silent)
        try files.write()
        ceph = CephConnection(settings: CephSettings(settings, files: files), logger: silent)
        cluster = ClusterBinding(
            client: etcd, keys: keys, clock: clock, timeout: settings.limits.etcd, fsid: ceph.fsid(clock: clock))
        let unreadable = UnreadableKeys {
            Output.write([UInt8]("rbd-plugin: left out: \($0)\n".utf8), to: STDERR_FILENO)
        }
        nodes = EtcdNodeDirectory(
            client: etcd, keys: keys, clock: clock, timeout: settings.limits.etcd, unreadable: unreadable)
        history = EtcdHistory(
            client: etcd, keys: keys, clock: clock, timeout: settings.limits.etcd, unreadable: unreadable)
        let store = EtcdVolumeStore(
            client: etcd, keys: keys, clock: clock, tokens: RandomTokens(), timeout: settings.limits.etcd,
            unreadable: unreadable, author: settings.historyAuthorOfCommand)
        let policyStore = EtcdPolicyStore(
            client: etcd, keys: keys, clock: clock, tokens: RandomTokens(), timeout: settings.limits.etcd,
            unreadable: unreadable)
        global = GlobalRecord(
            client: etcd, keys: keys, clock: clock, tokens: RandomTokens(), timeout: settings.limits.etcd)
        policies = PolicyActions(store: store, policies: policyStore, clock: clock)
        let me = "operator@\(settings.node.identity.node)"
        inCeph = CephSnapshotStore(connection: ceph, clock: clock)
        requests = RequestActions(store: store, snapshots: inCeph, clock: clock, tokens: RandomTokens(), me: me)
        snapshots = SnapshotActions(
            store: store, snapshots: inCeph, requests: requests,
            clock: clock, tokens: RandomTokens(), me: me)
        let images = CephImageStore(connection: ceph, clock: clock)
        let fence = CephFence(connection: ceph, clock: clock)
        self.images = images
        let ports = OperatorPorts(store: store, images: images, snapshots: inCeph).withKillPoints
        trash = TrashActions(
            store: ports.store, policies: policyStore, images: ports.images, snapshots: ports.snapshots, clock: clock,
            tokens: RandomTokens(), me: me, home: { [cluster] in cluster.home })
        backups = BackupActions(
            store: ports.store, policies: policyStore, images: ports.images, snapshots: ports.snapshots,
            fence: fence, blocklistExpiry: settings.limits.blocklistExpiry,
            clock: clock, tokens: RandomTokens(), defaults: settings.volumes.defaults, limits: settings.volumes.limits,
            me: settings.node.identity, home: { [cluster] in cluster.home })
        actions = OperatorActions(
            store: store, policies: policyStore, images: images, fence: fence, clock: clock,
            blocklistExpiry: settings.limits.blocklistExpiry,
            me: NodeIdentity(node: me, boot: RandomTokens().token()), log: silent)
    }

    private func close() async {
        await etcd.shutdown()
        try? await ceph.close(timeout: .seconds(2))
        files.remove()
    }

    /// An error of which only the sentence is shown.
    struct Failed: Error, CustomStringConvertible {
        let description: String
        init(_ text: String) { description = text }
    }
}

/// Asks before something that cannot be taken back.
enum Confirmation {
    /// - Returns: whether the answer was yes. Without a terminal to ask on it is no.
    static func ask(_ question: String) -> Bool {
        Output.write([UInt8]("\(question) [y/N] ".utf8), to: STDERR_FILENO)
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }
}
