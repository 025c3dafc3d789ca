import CephStorage
import NodeStorage
import VolumeCore

/// The port `VolumeFormatter` without a device: mkfs works on a sparse file while the image is being created, and what it
/// wrote goes into the image through librbd, by the handle with which its creation ended. So it can only ever touch the image
/// that it has made, and leaves no mapping behind when it is interrupted.
public struct ImageFormatter: VolumeFormatter {
    private let images: CephImageStore
    private let maker: SparseImageFormatter
    private let fallback: any VolumeFormatter

    /// - Parameter fallback: makes clones, and filesystems that are too large for a sparse file here.
    public init(images: CephImageStore, maker: SparseImageFormatter, fallback: any VolumeFormatter) {
        self.images = images
        self.maker = maker
        self.fallback = fallback
    }

    public func createFormatted(_ image: ImageReference, spec: VolumeSpec, uid: String) async throws -> String {
        var hasBegun = false
        do {
            return try await maker.withFilesystem(size: spec.size, spec: spec) { filesystem in
                hasBegun = true
                return try await images.create(image, spec: spec, uid: uid, isToBeRenamed: true) { opened in
                    try await fill(opened, of: spec.size, with: filesystem)
                }
            }
        } catch let error as VolumeError where error.code == .noSpace && !hasBegun {
            return try await fallback.createFormatted(image, spec: spec, uid: uid)
        }
    }

    /// The filesystem is there already: its own tools need a device.
    public func createClone(
        _ image: ImageReference, of snapshot: ParentSnapshot, spec: VolumeSpec, uid: String
    ) async throws -> String {
        try await fallback.createClone(image, of: snapshot, spec: spec, uid: uid)
    }

    /// Writes the filesystem into a blank image.
    /// - Throws: `VolumeError` with code `damaged` when it is not blank: nothing was written then.
    func fill(_ image: RBDImage, of size: VolumeSize, with filesystem: NewFilesystem) async throws {
        try await refuseContent(image, size)
        var batch = ExtentBatch()
        for try await extent in try await filesystem.extents() {
            batch.add(extent)
            guard batch.isFull else { continue }
            try await image.write(extents: batch.extents, timeout: images.callLimit)
            batch = ExtentBatch()
        }
        try await image.write(extents: batch.extents, timeout: images.callLimit)
    }

    /// Reads head, middle and tail, where all superblocks are. Only what was read and is zero counts as blank.
    private func refuseContent(_ image: RBDImage, _ size: VolumeSize) async throws {
        let step: UInt64 = 1 << 20
        async let head = isBlank(image, at: 0, step)
        async let middle = isBlank(image, at: size.bytes / 2 / step * step, step)
        async let tail = isBlank(image, at: size.bytes - step, step)
        guard try await [head, middle, tail].allSatisfy(\.self) else {
            throw VolumeError.notBlank("write the filesystem to \(image.subject)")
        }
    }

    private func isBlank(_ image: RBDImage, at start: UInt64, _ count: UInt64) async throws -> Bool {
        let bytes = try await image.read(at: start, count: Int(count), timeout: images.callLimit)
        return bytes.count == Int(count) && bytes.allSatisfy { $0 == 0 }
    }
}
