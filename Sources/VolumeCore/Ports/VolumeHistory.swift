/// What happened to volumes. A `VolumeStore` adds the entries, each in the transaction of the change that it tells of.
public protocol VolumeHistory: Sendable {
    /// The entries in the order in which they were made, whatever the clocks of the nodes say.
    /// - Parameter name: only those of that name; `nil` for all.
    func entries(of name: VolumeName?) async throws -> [HistoryEntry]
}
