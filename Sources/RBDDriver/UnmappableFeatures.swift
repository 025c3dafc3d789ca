import VolumeCore

extension VolumeDriver {
    /// - Parameter remedy: what to do about these features, named as the `rbd` tool takes them.
    /// - Throws: `VolumeError` with code `unsupported` when this node could not map an image that has the features.
    func refuseUnmappable(_ features: ImageFeatures, _ what: String, remedy: (String) -> String) async throws {
        try refuse(unsupported: await ports.mapper.unsupported(features), what, remedy: remedy)
    }

    /// - Parameter unsupported: the features that the mapper has said it does not support.
    func refuse(unsupported: ImageFeatures, _ what: String, remedy: (String) -> String) throws {
        guard !unsupported.isEmpty else { return }
        let names = unsupported.names.joined(separator: ",")
        throw VolumeError(
            .unsupported, what,
            why: "this node's \(ports.mapper.kind) mapper does not support the image feature \(names)",
            remedy: remedy(names), outcome: .refused)
    }
}
