import VolumeCore

/// Takes an image that is there already as a volume, with what is on it.
extension VolumeDriver {
    /// What the volume is when it takes the image as it is: what a Mount would fail over is found here.
    func adoptedSpec(
        of existing: ImageDescription, _ image: ImageReference, _ request: VolumeRequest
    ) async throws -> VolumeSpec {
        var spec = request.spec
        spec.size = existing.size
        spec.order = existing.order
        spec.features = existing.features
        spec.stripeUnit = existing.striping?.unit
        spec.stripeCount = existing.striping?.count
        try AdoptRule.take(
            try await ports.images.filesystems(on: image), of: image, into: &spec, request, settings.defaults)
        try spec.checkMountOptions()
        return spec
    }

    /// - Returns: librbd's id of the image, which is the volume's from then on.
    func adoptImage(_ record: VolumeRecord) async throws -> String {
        guard let image = try await inspect(record.image) else {
            throw VolumeError(
                .notFound, "adopt image \(record.image)", why: "it is gone", remedy: "create the volume again")
        }
        try refuseUsers(of: image, record.image)
        try await refuseSilentLockOwners(of: record.image, image)
        try await ports.images.mark(record.image, uid: record.uid)
        return image.id
    }

    /// Marking an image breaks the lock of an owner that watches no more, and shuts it out for an hour: a host that is
    /// only paused would write on after that. Whose it is nobody here can know, so a person has to say that it is over.
    private func refuseSilentLockOwners(of image: ImageReference, _ found: ImageDescription) async throws {
        for owner in found.lockOwners + found.writers where try await !ports.fence.isBlocklisted(owner) {
            let role = found.lockOwners.contains(owner) ? "holds its lock" : "is noted in it as a writer"
            throw VolumeError(
                .inUse, "adopt image \(image)",
                why: "client \(owner) \(role) but no longer watches it: it is dead or paused",
                remedy: "make sure that this client never writes again: shut it out with"
                    + " 'ceph osd blocklist add \(owner) 315360000', then create the volume again", outcome: .refused)
        }
    }

    func refuseUsers(of existing: ImageDescription, _ image: ImageReference) throws {
        guard existing.watchers.isEmpty else {
            throw VolumeError.inUse(
                "adopt image \(image)", "it is in use", by: existing.watchers, remedy: "unmap it there first")
        }
    }
}
