import LocalHTTP
import Logging

/// What every connection of one server shares.
struct ServerContext: Sendable {
    let caller: PluginCaller
    let budget: Duration
    let scope: VolumeScope
    let maximumBodySize: Int
    let metrics: OperationMetrics
    let open: OpenWork
    let logger: Logger

    /// Takes back a mount whose answer nobody got. The caller has announced the work to `open`.
    func undo(_ mount: MountClaim, because why: CallProgress.Abandonment) async {
        var logger = logger
        logger[metadataKey: LogKey.volume] = LogKey.shortened(mount.name)
        logger[metadataKey: LogKey.mountID] = LogKey.shortened(mount.id)
        logger.warning("undoing a mount that nobody waits for", metadata: [LogKey.why: "\(why.rawValue)"])
        do {
            try await caller.plugin.unmount(name: mount.name, id: mount.id)
            logger.notice("undid a mount that nobody waited for")
        } catch {
            logger.error(
                "could not undo a mount that nobody waits for; the volume stays mounted on this node",
                metadata: [LogKey.error: "\(error)"])
        }
        open.workEnded()
    }
}
