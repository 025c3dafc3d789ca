/// What whoever runs the plugin lets its users have, by the plugin's settings. It is asked of new volumes alone: one that is
/// there stays usable when a setting changes.
public struct VolumeLimits: Sendable, Hashable {
    /// How many volumes there may be below the prefix in etcd.
    public var mostVolumes: Int
    /// `nil` for any size.
    public var largestSize: VolumeSize?
    /// The pools of images and of data, in the order of the setting; `nil` for all that Ceph lets the plugin use.
    public var pools: [String]?
    /// Whether a Create may take an image that is there already.
    public var allowsAdoption: Bool

    public init(
        mostVolumes: Int = 200_000, largestSize: VolumeSize? = nil, pools: [String]? = nil,
        allowsAdoption: Bool = false
    ) {
        self.mostVolumes = mostVolumes
        self.largestSize = largestSize
        self.pools = pools
        self.allowsAdoption = allowsAdoption
    }

    /// Checks what was asked for. The size of an adopted image is not known yet.
    /// - Throws: `VolumeError` with code `invalidOption`, which names the setting.
    public func check(_ request: VolumeRequest, of name: VolumeName) throws(VolumeError) {
        try checkPools(of: request.spec, name)
        if request.adopt { try checkAdoption(name) } else { try checkSize(of: request.spec, name) }
    }

    /// Checks what a volume that is not ready is to be: another node may have begun it, with other settings.
    /// - Throws: as `check` of a request.
    public func check(_ record: VolumeRecord) throws(VolumeError) {
        try checkPools(of: record.spec, record.name)
        if record.adopted { try checkAdoption(record.name) }
        try checkSize(of: record.spec, record.name)
    }

    /// - Parameter count: how many volumes there are.
    /// - Throws: `VolumeError` with code `noSpace`, which names the setting.
    public func checkRoom(for name: VolumeName, beside count: Int) throws(VolumeError) {
        guard count >= mostVolumes else { return }
        throw VolumeError(
            .noSpace, "create volume \(name)",
            why: "there are \(count) volumes, and RBD_MAX_VOLUMES allows \(mostVolumes)",
            remedy: "remove volumes that nobody needs, or ask an operator to raise RBD_MAX_VOLUMES",
            outcome: .refused)
    }

    private func checkSize(of spec: VolumeSpec, _ name: VolumeName) throws(VolumeError) {
        guard let largestSize, spec.size > largestSize else { return }
        throw refusal(
            name, "its size would be \(spec.size), and RBD_MAX_SIZE allows \(largestSize)",
            "give a smaller size, or ask an operator to raise RBD_MAX_SIZE")
    }

    private func checkPools(of spec: VolumeSpec, _ name: VolumeName) throws(VolumeError) {
        guard let pools else { return }
        for pool in [spec.pool, spec.dataPool] where !pool.isEmpty && !pools.contains(pool) {
            throw refusal(
                name, "RBD_ALLOWED_POOLS does not name the pool \(ShownText.quoted(pool))",
                "use one of \(ShownText.shown(pools.joined(separator: ", "), limit: 200))")
        }
    }

    private func checkAdoption(_ name: VolumeName) throws(VolumeError) {
        guard !allowsAdoption else { return }
        throw refusal(
            name, "RBD_ALLOW_ADOPT does not allow the option adopt",
            "ask an operator to set RBD_ALLOW_ADOPT=true, or leave 'adopt' out to create a new volume")
    }

    private func refusal(_ name: VolumeName, _ why: String, _ remedy: String) -> VolumeError {
        VolumeError(.invalidOption, "create volume \(name)", why: why, remedy: remedy, outcome: .refused)
    }
}
