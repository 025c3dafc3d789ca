import VolumeCore

extension VolumeDriver {
    /// - Parameter remedy: what to do about these features, named as the `rbd` tool takes them.
    /// - Throws: `VolumeError` with code `unsupported` when this node could not map an image that has the features.
    func refuseUnmappable(_ features: ImageFeatures, _ what: String, remedy: (String) -> String) async throws {
        let unsupported = try await ports.mapper.unsupported(features)
        guard !unsupported.isEmpty else { return }
        let names = unsupported.names.joined(separator: ",")
        throw VolumeError(
            .unsupported, what,
            why: "this node's \(ports.mapper.kind) mapper does not support the image feature \(names)",
            remedy: remedy(names), outcome: .refused)
    }
}
