extension VolumeSpec {
    /// Checks `mkfsOptions` against what the mkfs of its filesystem has.
    /// - Throws: `VolumeError` with code `invalidOption`, which names the word.
    public func checkMkfsOptions() throws(VolumeError) {
        if let fault = MkfsOptions(filesystem).fault(in: mkfsOptions) {
            throw refusal(.mkfsOptions, mkfsOptions.joined(separator: " "), fault, filesystem.facts.mkfsPage)
        }
    }

    /// Checks `mountOptions` against what its filesystem has.
    /// - Throws: `VolumeError` with code `invalidOption`, which names the word.
    public func checkMountOptions() throws(VolumeError) {
        if let fault = MountOptionTable(filesystem).fault(in: mountOptions) {
            let page = "mount(8) and \(filesystem.rawValue)(5)"
            throw refusal(.mountOptions, mountOptions.joined(separator: ","), fault, page)
        }
    }

    /// Checks that `mapOptions` concern the mapping of this volume alone.
    /// - Throws: `VolumeError` with code `invalidOption`, which names the word.
    public func checkMapOptions() throws(VolumeError) {
        guard let fault = MapOptionTable.fault(in: mapOptions) else { return }
        let value = ShownText.shown(mapOptions.joined(separator: ","))
        throw VolumeError(
            .invalidOption, "use option \(VolumeOption.mapOptions.rawValue)=\(value)",
            why: "it is not accepted: '\(ShownText.shown(fault.word))' \(fault.why)",
            remedy: fault.remedy.isEmpty ? "see rbd(8)" : fault.remedy, outcome: .refused)
    }

    private func refusal(_ option: VolumeOption, _ value: String, _ fault: OptionFault, _ page: String) -> VolumeError {
        VolumeError(
            .invalidOption, "use option \(option.rawValue)=\(ShownText.shown(value))",
            why: "it is not accepted for \(filesystem.rawValue): '\(ShownText.shown(fault.word))' \(fault.why)",
            remedy: fault.remedy.isEmpty ? "see \(page)" : fault.remedy, outcome: .refused)
    }

    /// Refuses what earlier versions of this program have let into a record, and what can harm the host or other volumes.
    /// A mount option that is merely not known goes to the kernel, which may know it; a map option does not: it may say
    /// anything about the connection to the cluster.
    /// - Throws: `VolumeError` with code `invalidOption`.
    public func refuseDangerousOptions(of name: VolumeName) throws(VolumeError) {
        if let fault = MountOptionTable(filesystem).danger(in: mountOptions) {
            throw refusal(toMount: name, "mount option", fault)
        }
        if let fault = MapOptionTable.fault(in: mapOptions) {
            var error = refusal(toMount: name, "map option", fault)
            if !["", MapOptionTable.leaveOut].contains(fault.remedy) { error.remedy += "; \(fault.remedy)" }
            throw error
        }
    }

    private func refusal(toMount name: VolumeName, _ kind: String, _ fault: OptionFault) -> VolumeError {
        VolumeError(
            .invalidOption, "mount volume \(name)",
            why:
                "its \(kind) '\(ShownText.shown(fault.word))' \(fault.why); it was created before such options "
                + "were refused",
            remedy:
                "'rbd-plugin volume forget \(name)', then create it again with '-o adopt=own' and without that option",
            outcome: .refused)
    }
}
