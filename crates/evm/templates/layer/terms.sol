    /// Terms of the gates. The gates are:
{{gates}}
    bytes private constant TERMS =
{{term_table}}
        ;

