/// All that reads what others have written.
package enum FuzzTargets {
    package static let all: [any FuzzTarget] =
        [
            HTTPBytesTarget(), HTTPConversationTarget(), CallBodyTarget(), OptionTarget(), NameTarget(), NumberTarget(),
            SettingsTarget(), PathTarget(), MountInfoTarget(), SysfsTarget(), NoteTarget(), EtcdTarget(), CephTarget(),
            ClientAddressTarget(), KernelRequestTarget(), LogTarget(), PolicyTarget(), BackupTarget(),
            Ext4Target(),
        ] + RecordWords.targets
}
