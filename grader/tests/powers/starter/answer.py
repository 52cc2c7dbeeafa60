# Yours.
