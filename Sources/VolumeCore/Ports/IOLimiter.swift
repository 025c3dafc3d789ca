/// Bounds how much the devices of this node are read and written.
public protocol IOLimiter: Sendable {
    /// Sees to it that exactly these limits bound the device: also in control groups that have come up since the last call, and
    /// after the process that carries the device's data was started anew. Cheap where nothing has to be changed: it is called
    /// every few seconds for each device with limits.
    /// - Parameter limits: `.none` takes all limits away.
    /// - Throws: `VolumeError` with code `unsupported` for limits that this node cannot set on such a device: then it has set
    ///   none of them that it could not, and the error says which and what would help.
    func limit(_ device: MappedDevice, to limits: IOLimits) async throws
}
