import VolumeCore

/// The port `VolumeFormatter` without a device: mkfs works on a sparse file, and what it wrote goes into the image through
/// librbd. It can only ever touch the image that it is given, and leaves no mapping behind when it is interrupted.
public struct ImageFormatter: VolumeFormatter {
    private let call: CephCalls
    private let maker: SparseImageFormatter
    private let fallback: any VolumeFormatter

    /// - Parameter fallback: for a size of which no sparse file can be made here.
    public init(
        connection: CephConnection, clock: any DriverClock, maker: SparseImageFormatter,
        fallback: any VolumeFormatter
    ) {
        call = CephCalls(connection: connection, clock: clock)
        self.maker = maker
        self.fallback = fallback
    }

    public func format(_ image: ImageReference, spec: VolumeSpec) async throws {
        var hasBegun = false
        do {
            try await maker.withFilesystem(size: spec.size, spec: spec) { extents in
                hasBegun = true
                try await write(extents, to: image, spec)
            }
        } catch let error as VolumeError where error.code == .noSpace && !hasBegun {
            try await fallback.format(image, spec: spec)
        }
    }

    private func write(_ extents: FilesystemExtents, to image: ImageReference, _ spec: VolumeSpec) async throws {
        let what = "write the filesystem to image \(image)"
        try await call(what) { limit in
            try await call.images(image).withImage(.name(image.name), .readWrite, timeout: limit) { opened in
                try await refuseContent(opened, spec.size, what, limit)
                var batch = Batch()
                for try await extent in extents {
                    if let full = batch.add(extent) { try await opened.write(extents: full, timeout: limit) }
                }
                try await opened.write(extents: batch.extents, timeout: limit)
            }
        }
    }

    /// Reads head, middle and tail, where all superblocks are. Only what was read and is zero counts as blank.
    private func refuseContent(_ image: RBDImage, _ size: VolumeSize, _ what: String, _ limit: Duration) async throws {
        let step: UInt64 = 1 << 20
        for start in [0, size.bytes / 2 / step * step, size.bytes - step] {
            let bytes = try await image.read(at: start, count: Int(step), timeout: limit)
            guard bytes.count == Int(step), bytes.allSatisfy({ $0 == 0 }) else {
                throw VolumeError(.damaged, what, why: "it is not blank; nothing was written", outcome: .refused)
            }
        }
    }

    /// So many extents as are written at a time: enough to keep the cluster busy, few enough for memory to stay flat.
    private struct Batch {
        var extents: [ImageExtent] = []
        private var bytes = 0

        /// - Returns: the extents so far, when they are enough; then the batch is empty again.
        mutating func add(_ extent: ImageExtent) -> [ImageExtent]? {
            extents.append(extent)
            bytes += extent.bytes.count
            guard bytes >= 16 << 20 else { return nil }
            defer { self = Batch() }
            return extents
        }
    }
}
