import FoundationEssentials
import Rig

/// How much the servers have been asked so far, as they count themselves.
struct ServerCounters {
    let rig: RigEnvironment

    init(_ rig: RigEnvironment) { self.rig = rig }

    /// Requests to etcd that are about keys (not leases and watches, which go on by themselves), and client operations
    /// that the OSD has served, of the plugin, its devices and the tools.
    func read() async throws -> (etcd: Int, osd: Int) {
        let metrics = try await runTool("curl", ["-sf", "\(rig.etcdEndpoints[0])/metrics"]).checked().output
        let requests = metrics.split(separator: "\n").filter {
            $0.hasPrefix("grpc_server_started_total") && $0.contains(#"grpc_service="etcdserverpb.KV""#)
        }
        let etcd = requests.compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
        let dump = try JSONValue(parsing: await CephRig(rig).ceph("tell", "osd.0", "perf", "dump"))
        guard case .integer(let osd)? = dump["osd"]?["op"] else {
            throw RigFailure("the OSD's perf dump has no osd.op")
        }
        return (Int(etcd), Int(osd))
    }
}
