import Rig

extension PluginClient {
    /// Makes a Mount again and again, as Swarm does, until the node that has the volume has let go or is shut out.
    /// - Returns: the mountpoint.
    func mountAtLast(_ volume: String, id: String, within limit: Duration) async throws -> String {
        var answer: PluginAnswer?
        try await eventually("\(volume) to be mounted: \(answer?.error ?? "")", within: limit) {
            answer = try await mount(volume, id: id)
            return answer?.succeeded == true
        }
        return answer?.mountpoint ?? ""
    }
}
