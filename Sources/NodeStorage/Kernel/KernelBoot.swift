/// The boot of this machine that notes in a folder on disk may outlive.
enum KernelBoot {
    /// Empty where the kernel does not tell, and all boots look alike.
    static let id = ((try? SmallFile.line("/proc/sys/kernel/random/boot_id")) ?? nil) ?? ""
}
