/// The checks of a spec that was not put together from options but read from a record. They are the readers of the options
/// themselves, so that no record can ask for what no option could.
extension VolumeSpec {
    /// Checks each value by the reader of its option. This holds of every volume, however old: what a reader comes to refuse
    /// here makes the records unreadable that have it already. Words that were accepted once and are refused by now belong
    /// into `checkAsNew`, and into `refuseDangerousOptions` where a Mount must not use them.
    /// - Parameter isOfImage: size, features and striping are those of an image that was there before.
    /// - Throws: `VolumeError` with code `invalidOption`.
    func checkValues(isOfImage: Bool) throws(VolumeError) {
        for option in VolumeOption.allCases {
            guard let text = text(of: option), !(isOfImage && option.describesTheImage) else { continue }
            var read = self
            try read.set(option, text)
            guard read == self else {
                throw OptionValues.fault(option, text, accepts: "written as the plugin writes this option")
            }
        }
        if isOfImage { try checkSizeOfImage() }
    }

    /// What holds of a volume whose image and filesystem are still to be made: all that a Create checks.
    /// - Throws: `VolumeError` with code `invalidOption`.
    func checkAsNew() throws(VolumeError) {
        try VolumeRequest.checkSize(of: self)
        try checkStriping()
        try checkMkfsOptions()
        try checkMountOptions()
    }

    private func checkSizeOfImage() throws(VolumeError) {
        guard size.bytes > 0, size.bytes <= UInt64(Int64.max) else {
            throw OptionValues.fault(.size, "\(size.bytes)", accepts: "a number of bytes that an image can have")
        }
    }

    /// The value as a user would write it; `nil` where an option says nothing.
    private func text(of option: VolumeOption) -> String? {
        switch option {
        case .pool: pool
        case .size: "\(size.bytes >> 20)"
        case .fstype: filesystem.rawValue
        case .order: "\(order)"
        case .features: features.names.joined(separator: ",")
        case .dataPool: dataPool.isEmpty ? nil : dataPool
        case .namespace: namespace.isEmpty ? nil : namespace
        case .stripeUnit: stripeUnit.map { "\($0)" }
        case .stripeCount: stripeCount.map { "\($0)" }
        case .mkfsOptions: mkfsOptions.isEmpty ? nil : mkfsOptions.joined(separator: " ")
        case .mountOptions: mountOptions.isEmpty ? nil : mountOptions.joined(separator: ",")
        case .mapOptions: mapOptions.isEmpty ? nil : mapOptions.joined(separator: ",")
        case .uid: uid.map { "\($0)" }
        case .gid: gid.map { "\($0)" }
        case .mode: mode.map { "0" + String($0, radix: 8) }
        case .access: access == .readWrite ? nil : access.rawValue
        case .adopt, .from, .fromSnapshot, .protect, .policy: nil
        }
    }
}

extension VolumeOption {
    /// Whether the image decides this that the volume is, or was made out of.
    fileprivate var describesTheImage: Bool { [.size, .features, .stripeUnit, .stripeCount].contains(self) }
}
