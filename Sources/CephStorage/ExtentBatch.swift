import VolumeCore

/// Extents that are written at a time: enough to keep the cluster busy, few enough for memory to stay flat.
package struct ExtentBatch: Sendable {
    private static let enough = 16 << 20

    package private(set) var extents: [ImageExtent] = []
    private var count = 0

    package init() {}

    package var isFull: Bool { count >= Self.enough }

    package mutating func add(_ extent: ImageExtent) {
        extents.append(extent)
        count += extent.bytes.count
    }

    /// Puts bytes at the end of the last extent.
    package mutating func lengthenLast(by bytes: [UInt8]) {
        guard let last = extents.popLast() else { return }
        extents.append(ImageExtent(offset: last.offset, bytes: last.bytes + bytes))
        count += bytes.count
    }
}
